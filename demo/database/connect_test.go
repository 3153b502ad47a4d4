package database_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func connect(t *testing.T, address database.Address) *sql.DB {
	t.Helper()
	connector, err := address.Connector()
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestAddressesFromTheEnvironment(t *testing.T) {
	const secret = "s3cr3t"
	for name, c := range map[string]struct {
		env  map[string]string
		want string
		err  string
	}{
		"nothing":           {nil, "sqlite file demo.db", ""},
		"a file":            {map[string]string{"DATABASE_URL": "/data/d.db"}, "sqlite file /data/d.db", ""},
		"a url":             {map[string]string{"DATABASE_URL": "postgres://u:" + secret + "@db:5432/shop"}, "postgres database shop at db:5432", ""},
		"parts":             {map[string]string{"DB_NAME": "shop", "DB_USER": "u", "DB_PASSWORD": secret, "DB_HOST": "db"}, "postgres database shop at db port 5432", ""},
		"parts with a port": {map[string]string{"DB_NAME": "shop", "DB_USER": "u", "DB_HOST": "db", "DB_PORT": "5433"}, "postgres database shop at db port 5433", ""},
		"given twice":       {map[string]string{"DATABASE_URL": "d.db", "DB_NAME": "shop"}, "", "given twice"},
		"parts are missing": {map[string]string{"DB_NAME": "shop", "DB_PASSWORD": secret}, "", "DB_USER is not set"},
		"only a host":       {map[string]string{"DB_HOST": "db"}, "", "DB_NAME is not set"},
		"no port":           {map[string]string{"DB_NAME": "shop", "DB_USER": "u", "DB_HOST": "db", "DB_PORT": "x"}, "", "DB_PORT"},
		"an unknown one":    {map[string]string{"DATABASE_URL": "mysql://u:" + secret + "@db/shop"}, "", `DATABASE_URL: unknown database "mysql"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := database.FromEnv(func(name string) string { return c.env[name] }, "demo.db")
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), secret) {
					t.Fatalf("err = %v, want %q and no password", err, c.err)
				}
				return
			}
			if err != nil || got.String() != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestASQLiteFileIsForSeveralProcesses(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "a b?#%.db"))
	db := connect(t, address)
	if err := database.Wait(t.Context(), db, address, time.Minute, quiet); err != nil {
		t.Fatal(err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
	if address.Vendor() != "sqlite" {
		t.Errorf("vendor %q", address.Vendor())
	}
}

func TestPostgreSQLAnswersByItsPartsAndAWrongPasswordIsHopelessAndNotShown(t *testing.T) {
	parts := databasetest.Start(t).NewDatabase(t)
	if err := database.Wait(t.Context(), connect(t, parts.Address()), parts.Address(), time.Minute, quiet); err != nil {
		t.Error(err)
	}
	if parts.Address().Vendor() != "postgresql" {
		t.Errorf("vendor %q", parts.Address().Vendor())
	}
	parts.Password = "wr0ng"
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // less than the patience
	defer cancel()
	err := database.Wait(ctx, connect(t, parts.Address()), parts.Address(), time.Hour, quiet)
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "password authentication failed") || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("err = %v, want at once that the password is wrong, without it", err)
	}
}

func TestADatabaseThatDoesNotAnswerIsWaitedForAndNamed(t *testing.T) {
	address := database.Postgres{Name: "shop", User: "u", Password: "s3cr3t", Host: t.TempDir(), Port: "1"}.Address()
	err := database.Wait(t.Context(), connect(t, address), address, 50*time.Millisecond, quiet)
	if err == nil || !strings.Contains(err.Error(), "postgres database shop at") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("err = %v, want it to name the database and not its password", err)
	}
}

func TestAFileThatIsNoDatabaseIsHopeless(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("buy milk\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	address := database.SQLite(path)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := database.Wait(ctx, connect(t, address), address, time.Hour, quiet)
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("err = %v, want at once that it is not a database", err)
	}
}

func TestWhatCannotBeOpenedIsSaidInWords(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "such", "d.db")
	if _, err := database.SQLite(missing).Connector(); err == nil || !strings.Contains(err.Error(), filepath.Dir(missing)) {
		t.Errorf("err = %v, want it to name the folder", err)
	}
	if _, err := (database.Address{}).Connector(); err == nil {
		t.Error("no address was accepted")
	}
}
