package goosemetrics_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/truecount/truecount/instrument/contrib/goosemetrics"
	"github.com/truecount/truecount/instrument/migrations"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	_ "github.com/jackc/pgx/v5/stdlib"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(stopServerAndExit))
}

// kennel is an empty database, and goose with three migrations for it.
type kennel struct {
	db      *sql.DB
	dialect goose.Dialect
	dsn     string
}

// everywhere runs a test on SQLite and on PostgreSQL.
func everywhere(t *testing.T, test func(t *testing.T, k kennel)) {
	for name, open := range map[string]func(t *testing.T) kennel{"sqlite": openSQLite, "postgres": openPostgres} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func openSQLite(t *testing.T) kennel {
	dsn := filepath.Join(t.TempDir(), "kennel.db") + "?_pragma=busy_timeout(60000)"
	return kennel{db: openDB(t, "sqlite", dsn), dialect: goose.DialectSQLite3, dsn: dsn}
}

func openPostgres(t *testing.T) kennel {
	dsn := newDatabase(t)
	return kennel{db: openDB(t, "pgx", dsn), dialect: goose.DialectPostgres, dsn: dsn}
}

func openDB(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files are migrations 1 to n, each with a table.
func files(n int) fs.FS {
	all := fstest.MapFS{}
	for i := 1; i <= n; i++ {
		all[fmt.Sprintf("%05d_dogs.sql", i)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"-- +goose Up\nCREATE TABLE dogs_%[1]d (id integer);\n-- +goose Down\nDROP TABLE dogs_%[1]d;\n", i)}
	}
	return all
}

func (k kennel) provider(t *testing.T, migrations int, opts ...goose.ProviderOption) *goose.Provider {
	t.Helper()
	p, err := goose.NewProvider(k.dialect, k.db, files(migrations), append(opts, goose.WithDisableGlobalRegistry(true))...)
	must(t, err)
	return p
}

func (k kennel) status(t *testing.T, p *goose.Provider) migrations.Func {
	t.Helper()
	count, err := goosemetrics.Status(p, goosemetrics.Options{DB: k.db, Dialect: k.dialect})
	must(t, err)
	return count
}

func expect(t *testing.T, count migrations.Func, applied, unapplied int) {
	t.Helper()
	gotApplied, gotUnapplied, err := count(t.Context())
	if err != nil || gotApplied != applied || gotUnapplied != unapplied {
		t.Errorf("%d applied, %d unapplied, %v; want %d and %d", gotApplied, gotUnapplied, err, applied, unapplied)
	}
}

// tables lists a database's tables.
func (k kennel) tables(t *testing.T) (names []string) {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	if k.dialect == goose.DialectPostgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY tablename"
	}
	rows, err := k.db.QueryContext(t.Context(), query)
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		names = append(names, name)
	}
	must(t, rows.Err())
	return names
}

func TestMigrationsAreCountedBeforeHalfwayAndAfter(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		p := k.provider(t, 3)
		count := k.status(t, p)
		expect(t, count, 0, 3)
		_, err := p.UpByOne(t.Context())
		must(t, err)
		expect(t, count, 1, 2)
		_, err = p.Up(t.Context())
		must(t, err)
		expect(t, count, 3, 0)
		_, err = p.Down(t.Context())
		must(t, err)
		expect(t, count, 2, 1)
	})
}

func TestCountingWritesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		count := k.status(t, k.provider(t, 3))
		for range 3 {
			expect(t, count, 0, 3)
		}
		if tables := k.tables(t); len(tables) != 0 {
			t.Errorf("there are the tables %q", tables)
		}
		// Goose itself creates its table to answer the same question; without this the test above shows nothing.
		if _, err := k.provider(t, 3).Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if tables := strings.Join(k.tables(t), " "); tables != goose.DefaultTablename {
			t.Errorf("goose created %q", tables)
		}
		expect(t, count, 0, 3) // version 0 is the table's own
	})
}

func TestADatabaseThatIsAheadOfTheProgramHasThoseMigrationsApplied(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		_, err := k.provider(t, 5).Up(t.Context())
		must(t, err)
		expect(t, k.status(t, k.provider(t, 3)), 5, 0)
	})
}

func TestAMigrationThatWasLeftOutIsUnapplied(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		p := k.provider(t, 3, goose.WithAllowOutofOrder(true))
		_, err := p.ApplyVersion(t.Context(), 3, true)
		must(t, err)
		expect(t, k.status(t, p), 1, 2)
	})
}

func TestWhatOldReleasesOfGooseTookBackIsUnapplied(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		p := k.provider(t, 2)
		_, err := p.Up(t.Context())
		must(t, err)
		_, err = k.db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, false)")
		must(t, err)
		expect(t, k.status(t, p), 1, 1)
	})
}

func TestATableOfAnotherName(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		p := k.provider(t, 3, goose.WithTableName("kennel_versions"))
		count, err := goosemetrics.Status(p, goosemetrics.Options{DB: k.db, Dialect: k.dialect, Table: "kennel_versions"})
		must(t, err)
		expect(t, count, 0, 3)
		_, err = p.UpTo(t.Context(), 2)
		must(t, err)
		expect(t, count, 2, 1)
		expect(t, k.status(t, p), 0, 3) // looks at the table of the usual name, which is not there
	})
}

func TestATableInAnotherSchema(t *testing.T) {
	k := openPostgres(t)
	_, err := k.db.ExecContext(t.Context(), "CREATE SCHEMA kennel")
	must(t, err)
	p := k.provider(t, 3, goose.WithTableName("kennel.versions"))
	count, err := goosemetrics.Status(p, goosemetrics.Options{DB: k.db, Dialect: k.dialect, Table: "kennel.versions"})
	must(t, err)
	expect(t, count, 0, 3)
	_, err = p.UpTo(t.Context(), 2)
	must(t, err)
	expect(t, count, 2, 1)
}

func TestAStoreOfOnesOwn(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		store, err := database.NewStore(k.dialect, "own_versions")
		must(t, err)
		p, err := goose.NewProvider(goose.DialectCustom, k.db, files(3), goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
		must(t, err)
		count, err := goosemetrics.Status(p, goosemetrics.Options{DB: k.db, Store: store})
		must(t, err)
		_, err = p.UpTo(t.Context(), 2)
		must(t, err)
		expect(t, count, 2, 1)
	})
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	k := openSQLite(t)
	p := k.provider(t, 1)
	store, err := database.NewStore(k.dialect, "versions")
	must(t, err)
	for name, tt := range map[string]struct {
		provider *goose.Provider
		opts     goosemetrics.Options
		want     string
	}{
		"no provider":       {nil, goosemetrics.Options{DB: k.db, Dialect: k.dialect}, "a provider and Options.DB are needed"},
		"no database":       {p, goosemetrics.Options{Dialect: k.dialect}, "a provider and Options.DB are needed"},
		"no dialect":        {p, goosemetrics.Options{DB: k.db}, "either Options.Dialect or Options.Store"},
		"dialect and store": {p, goosemetrics.Options{DB: k.db, Dialect: k.dialect, Store: store}, "either Options.Dialect or Options.Store"},
		"unknown dialect":   {p, goosemetrics.Options{DB: k.db, Dialect: "dbase"}, `unknown dialect: "dbase"`},
	} {
		if _, err := goosemetrics.Status(tt.provider, tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func TestACountThatIsCalledOffReturns(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := k.status(t, k.provider(t, 3))(ctx); err == nil {
			t.Error("it has counted")
		}
	})
}

// A scrape goes on without a count that is late; the count must end, too, or keeps a connection of the service's pool.
func TestACountThatWaitsReturnsWhenItIsCalledOff(t *testing.T) {
	calledOff := func(t *testing.T, count migrations.Func) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, _, err := count(ctx)
			ended <- err
		}()
		select {
		case err := <-ended:
			if err == nil {
				t.Error("it has counted")
			}
		case <-time.After(time.Minute):
			t.Error("it goes on waiting")
		}
	}
	t.Run("for a connection", func(t *testing.T) {
		everywhere(t, func(t *testing.T, k kennel) {
			count := k.status(t, k.provider(t, 3))
			k.db.SetMaxOpenConns(1)
			conn, err := k.db.Conn(t.Context())
			must(t, err)
			calledOff(t, count)
			must(t, conn.Close())
			expect(t, count, 0, 3)
		})
	})
	t.Run("for the table", func(t *testing.T) {
		k := openPostgres(t)
		p := k.provider(t, 3)
		_, err := p.UpTo(t.Context(), 2)
		must(t, err)
		tx, err := k.db.BeginTx(t.Context(), nil)
		must(t, err)
		_, err = tx.ExecContext(t.Context(), "LOCK TABLE goose_db_version IN ACCESS EXCLUSIVE MODE")
		must(t, err)
		count := k.status(t, p)
		calledOff(t, count)
		must(t, tx.Rollback())
		expect(t, count, 2, 1)
	})
}
