package instrument_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

const databasePage = "../../docs/reference/database-metrics.md"

// queried are the metrics of a service that asked its database for this and that.
func queried(t *testing.T, names instrument.Names) (families []*dto.MetricFamily) {
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
	h := metrics.Handle("default", database.PostgreSQL)
	defer h.WatchPool(func() database.PoolState { return database.PoolState{Idle: 1} })()
	for _, err := range []error{nil, nil, errors.New("refused")} {
		h.Connected(err)
	}
	for _, err := range []error{nil, driver.ErrBadConn, context.Canceled, errors.New("broken")} {
		h.Executed(20*time.Millisecond, err)
	}
	h.BatchExecuted(3, time.Second, nil)
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool {
		return !strings.HasPrefix(f.GetName(), "db_") && !strings.HasPrefix(f.GetName(), "django_db_")
	})
}

func TestThePageOfDatabaseMetricsHasThemAll(t *testing.T) {
	page := tables(t, databasePage)
	for _, test := range []struct {
		rows  [][]string
		names instrument.Names
		of    string // the metrics that the table is about
		label int    // the column of the labels
	}{
		{page[0], instrument.PrometheusNames, "db_", 2},
		{page[1], instrument.DjangoNames, "django_db_", 1},
	} {
		rows := test.rows
		for _, family := range queried(t, test.names) {
			if !strings.HasPrefix(family.GetName(), test.of) {
				continue
			}
			i := slices.IndexFunc(rows, func(row []string) bool { return row[0] == family.GetName() })
			if i < 0 {
				t.Errorf("%s is not on the page", family.GetName())
				continue
			}
			var labels []string
			for _, pair := range family.GetMetric()[0].GetLabel() {
				labels = append(labels, pair.GetName())
			}
			if slices.Sort(labels); !slices.Equal(labels, commaList(rows[i][test.label])) {
				t.Errorf("%s has the labels %q", family.GetName(), labels)
			}
			if kind := strings.ToLower(family.GetType().String()); test.of == "db_" && kind != rows[i][1] {
				t.Errorf("%s is a %s", family.GetName(), kind)
			}
			rows = slices.Delete(slices.Clone(rows), i, i+1)
		}
		for _, row := range rows {
			t.Errorf("%s is on the page and not exposed", row[0])
		}
	}
}

func TestThePromQLOfThePageGivesDjangosDatabaseNumbers(t *testing.T) {
	django := samples(queried(t, instrument.DjangoNames))
	ask := evaluator(t, samples(queried(t, instrument.PrometheusNames)))
	for _, row := range tables(t, databasePage)[1] {
		name, expr := row[0], row[2]
		switch {
		case name == "django_db_errors_total": // by the table of classes
		case strings.HasSuffix(expr, "_bucket"):
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				compare(t, name+part, django[name+part], ask(strings.Replace(expr, "_bucket", part, 1), nil))
			}
		default:
			compare(t, name, django[name], ask(expr, nil))
		}
	}
}

func TestThePageOfDatabaseMetricsHasEveryClass(t *testing.T) {
	page := tables(t, databasePage)[2]
	classes := database.Classes()
	if len(page) != len(classes) {
		t.Fatalf("%d classes are on the page, there are %d", len(page), len(classes))
	}
	for i, class := range classes {
		if want := []string{string(class), class.SQLState(), class.PythonType()}; !slices.Equal(page[i], want) {
			t.Errorf("the page has %q, want %q", page[i], want)
		}
	}
}

// sqliteCodes are the numbers of SQLite's result codes, sqlite.org/rescode.html.
var sqliteCodes = map[string]int{"ERROR": 1, "INTERNAL": 2, "PERM": 3, "ABORT": 4, "BUSY": 5, "LOCKED": 6, "NOMEM": 7, "READONLY": 8,
	"INTERRUPT": 9, "IOERR": 10, "CORRUPT": 11, "FULL": 13, "CANTOPEN": 14, "PROTOCOL": 15, "SCHEMA": 17, "TOOBIG": 18,
	"CONSTRAINT": 19, "MISMATCH": 20, "MISUSE": 21, "NOLFS": 22, "AUTH": 23, "RANGE": 25, "NOTADB": 26}

type resultCode int

func (resultCode) Error() string { return "SQLite says no" }
func (c resultCode) Code() int   { return int(c) }

func TestThePageSaysWhatBecomesOfSQLitesCodes(t *testing.T) {
	seen := 0
	for _, row := range tables(t, databasePage)[3] {
		for _, name := range commaList(row[0]) {
			seen++
			if got := database.ClassOf(resultCode(sqliteCodes[name])); string(got) != row[1] {
				t.Errorf("%s is %s, the page says %s", name, got, row[1])
			}
		}
	}
	if seen != len(sqliteCodes) {
		t.Errorf("%d codes are on the page, want %d", seen, len(sqliteCodes))
	}
}
