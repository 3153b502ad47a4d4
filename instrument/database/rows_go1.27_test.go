//go:build go1.27

package database_test

import (
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// scanning are rows whose driver scans columns itself, as pgx does since Go 1.27: it says something else than by Next.
type scanning struct {
	*memRows
	rowsSets
}

func newScanning(r *memRows) driver.Rows { return scanning{r, rowsSets{r}} }

func (r scanning) NextRow() error { r.m.note("NextRow"); return r.advance() }

func (r scanning) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	r.m.note("ScanColumn %d", index)
	if list, ok := dest.(*[]int64); ok {
		*list = []int64{r.value(), 7}
		return nil
	}
	return sql.ConvertAssign(ctx, dest, 100+r.value())
}

func TestADriverThatScansColumnsItselfGoesOnDoingIt(t *testing.T) {
	for connSet, conn := range connSets {
		compare(t, "conn: "+connSet+"/rows: RowsColumnScanner", sets{conn, stmtSets["no interface"], newScanning})
	}
	s := serve(t, instrument.PrometheusNames, database.Options{})
	s.memory.rows = newScanning
	var list []int64
	if err := s.db.QueryRow("do").Scan(&list); err != nil || len(list) != 2 {
		t.Errorf("a list that the driver can scan: %v, %v", list, err)
	}
}

func TestTheErrorsOfADriverThatScansColumnsItselfAreCounted(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	s.memory.rows = newScanning
	for _, query := range []string{"broken row", "broken row and close"} {
		got := s.changed(t, func() { all(s.db.Query(query)) })
		if got[otherError] != 1 || got["db_executions_total"] != 1 {
			t.Errorf("%s: counted %v", query, got)
		}
	}
	got := s.changed(t, func() {
		var broken struct{}
		if s.db.QueryRow("do").Scan(&broken) == nil {
			t.Error("a number was scanned into a struct")
		}
	})
	if got[otherError] != 0 || got["db_executions_total"] != 1 {
		t.Errorf("a value that does not fit the variable: %v", got)
	}
}
