package goosemetrics_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/goosemetrics"
	"github.com/truecount/truecount/instrument/migrations"
)

func Example() {
	if err := migrateHalfway(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// migrations_applied{connection="default"} 1
	// migrations_unapplied{connection="default"} 1
}

// schema is usually embedded: //go:embed schema/*.sql
var schema = fstest.MapFS{
	"00001_dogs.sql":    {Data: []byte("-- +goose Up\nCREATE TABLE dogs (id integer);\n")},
	"00002_walkers.sql": {Data: []byte("-- +goose Up\nCREATE TABLE walkers (id integer);\n")},
}

func migrateHalfway(ctx context.Context) error {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kennel")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := sql.Open("sqlite", filepath.Join(dir, "kennel.db"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()

	provider, err := goose.NewProvider(goose.DialectSQLite3, db, schema)
	if err != nil {
		return err
	}
	status, err := goosemetrics.Status(provider, goosemetrics.Options{DB: db, Dialect: goose.DialectSQLite3})
	if err != nil {
		return err
	}
	if err := migrations.Register(m, "default", status); err != nil {
		return err
	}

	if _, err := provider.UpByOne(ctx); err != nil {
		return err
	}
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "migrations_") {
			fmt.Print(line)
		}
	}
	return nil
}
