package instrument_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"modernc.org/sqlite" // and the driver "sqlite"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// kennel is a measured database of SQLite, in a file.
type kennel struct {
	*prometheus.Registry
	db *sql.DB
}

func newKennel(t *testing.T, names instrument.Names, settings string) kennel {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Names: names})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := database.New(m, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := "file:" + (&url.URL{Path: filepath.Join(t.TempDir(), "kennel.db")}).String() + settings
	db, err := metrics.Handle("default", database.SQLite).Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("CREATE TABLE dogs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"); err != nil {
		t.Fatal(err)
	}
	return kennel{reg, db}
}

// counts returns the series of the database by name and by the label that they have beside alias and vendor.
func (k kennel) counts(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := k.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		if !strings.Contains(family.GetName(), "db_") || strings.Contains(family.GetName(), "db_pool_") {
			continue
		}
		for _, metric := range family.Metric {
			name := family.GetName()
			for _, label := range metric.Label {
				if label.GetName() != "alias" && label.GetName() != "vendor" {
					name += " " + label.GetValue()
				}
			}
			all[name] = metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func (k kennel) expect(t *testing.T, what string, want map[string]float64, do func()) {
	t.Helper()
	before, got := k.counts(t), map[string]float64{}
	do()
	for name, value := range k.counts(t) {
		if value != before[name] {
			got[name] = value - before[name]
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: counted %v\nwant %v", what, got, want)
	}
}

func TestSQLiteIsCounted(t *testing.T) {
	for _, scheme := range []struct {
		names                                     instrument.Names
		executions, durations, integrity, unknown string
	}{
		{instrument.PrometheusNames, "db_executions_total", "db_query_duration_seconds",
			"db_errors_total integrity_constraint_violation", "db_errors_total syntax_error_or_access_rule_violation"},
		{instrument.DjangoNames, "django_db_execute_total", "django_db_query_duration_seconds",
			"django_db_errors_total IntegrityError", "django_db_errors_total ProgrammingError"},
	} {
		k := newKennel(t, scheme.names, "")
		ctx := t.Context()
		once := func(more ...string) map[string]float64 {
			want := map[string]float64{scheme.executions: 1, scheme.durations: 1}
			for _, name := range more {
				want[name] = 1
			}
			return want
		}
		exec := func(query string, args ...any) func() {
			return func() { _, _ = k.db.ExecContext(ctx, query, args...) }
		}
		k.expect(t, "an insert", once(), exec("INSERT INTO dogs (name) VALUES (?), (?)", "Rex", "Bella"))
		k.expect(t, "a name twice", once(scheme.integrity), exec("INSERT INTO dogs (name) VALUES ('Rex')"))
		k.expect(t, "no name", once(scheme.integrity), exec("INSERT INTO dogs (name) VALUES (NULL)"))
		k.expect(t, "no such table", once(scheme.unknown), exec("DELETE FROM cats"))
		k.expect(t, "no row", once(), func() {
			if err := k.db.QueryRowContext(ctx, "SELECT name FROM dogs WHERE id = 99").Scan(new(string)); err != sql.ErrNoRows {
				t.Error(err)
			}
		})
		k.expect(t, "an error in the second row", once(scheme.unknown), func() {
			rows, err := k.db.QueryContext(ctx, "SELECT abs(n) FROM (SELECT 1 AS n UNION ALL SELECT -9223372036854775808)")
			if err != nil {
				t.Error(err)
				return
			}
			defer rows.Close()
			for rows.Next() {
			}
			if rows.Err() == nil {
				t.Error("the smallest integer has an absolute value")
			}
		})
		k.expect(t, "a prepared statement", map[string]float64{scheme.executions: 2, scheme.durations: 2}, func() {
			stmt, err := k.db.PrepareContext(ctx, "UPDATE dogs SET name = name || ?")
			if err != nil {
				t.Error(err)
				return
			}
			defer stmt.Close()
			for range 2 {
				if _, err := stmt.ExecContext(ctx, "!"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestSQLiteThatIsBusyAndInterrupted(t *testing.T) {
	k := newKennel(t, instrument.PrometheusNames, "?_txlock=immediate")
	ctx := t.Context()
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	k.expect(t, "a second writer", map[string]float64{"db_errors_total busy": 1, "db_connections_opened_total": 1}, func() {
		if _, err := k.db.BeginTx(ctx, nil); err == nil {
			t.Error("two writers at once")
		}
	})
	tx.Rollback()
	canceled, cancel := context.WithCancel(ctx)
	k.expect(t, "an endless query", map[string]float64{"db_executions_total": 1, "db_query_duration_seconds": 1, "db_errors_total canceled": 1}, func() {
		rows, err := k.db.QueryContext(canceled, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
		if err != nil {
			t.Error(err)
			return
		}
		for i := 0; rows.Next(); i++ {
			if i == 10 {
				cancel()
			}
		}
		if err := rows.Err(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		rows.Close()
	})
	cancel()
}

func TestSQLitesOwnConnectionIsReached(t *testing.T) {
	k := newKennel(t, instrument.PrometheusNames, "")
	conn, err := k.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var size int
	err = conn.Raw(func(driverConn any) error {
		own, ok := database.Unwrap(driverConn).(interface{ Serialize() ([]byte, error) })
		if !ok {
			return errors.New("it is something else")
		}
		image, err := own.Serialize()
		size = len(image)
		return err
	})
	if err != nil || size == 0 {
		t.Error(size, err)
	}
	if _, ok := k.db.Driver().(*sqlite.Driver); !ok {
		t.Error("the driver is not SQLite's")
	}
}
