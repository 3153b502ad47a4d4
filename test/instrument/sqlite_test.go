package instrument_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// measured returns the metrics of databases on a registry of their own.
func measured(t *testing.T, names instrument.Names) (*database.Metrics, *prometheus.Registry) {
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
	return metrics, reg
}

// expect compares the named metrics.
func expect(t *testing.T, reg *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func kennel(t *testing.T, h *database.Handle) *sql.DB {
	t.Helper()
	db, err := h.Open("sqlite", filepath.Join(t.TempDir(), "kennel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("CREATE TABLE dogs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestSQLiteIsCounted(t *testing.T) {
	metrics, reg := measured(t, instrument.PrometheusNames)
	db := kennel(t, metrics.Handle("default", database.SQLite))
	ctx := t.Context()
	if _, err := db.ExecContext(ctx, "INSERT INTO dogs (name) VALUES ('Rex'), ('Bella')"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "INSERT INTO dogs (name) VALUES ('Rex')"); err == nil {
		t.Fatal("two dogs of one name")
	}
	if _, err := db.QueryContext(ctx, "SELECT * FROM cats"); err == nil {
		t.Fatal("there are cats")
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.ExecContext(canceled, "DELETE FROM dogs"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var name string
	if err := db.QueryRowContext(ctx, "SELECT name FROM dogs WHERE id = 99").Scan(&name); err != sql.ErrNoRows {
		t.Fatal(err)
	}
	expect(t, reg, `
		# HELP db_executions_total Statements that databases were asked to execute, those of batches included.
		# TYPE db_executions_total counter
		db_executions_total{alias="default",vendor="sqlite"} 5
	`, "db_executions_total")
}
