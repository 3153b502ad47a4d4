package pgxmetrics_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/truecount/truecount/instrument/contrib/pgxmetrics"
	"github.com/truecount/truecount/instrument/database"
)

// Both ways to use pgx through database/sql count the same.
func TestPgxThroughDatabaseSQLIsCounted(t *testing.T) {
	for name, open := range map[string]func(*testing.T, service) *sql.DB{
		"wrapped": openWrapped,
		"traced":  openTraced,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			db := open(t, s)
			defer db.Close()
			db.SetMaxOpenConns(1)
			ctx := t.Context()
			s.expect(t, counts{"connections_opened_total": 1}, func() {
				if err := db.PingContext(ctx); err != nil {
					t.Error(err)
				}
			})
			s.expect(t, once(), func() {
				_, _ = db.ExecContext(ctx, "CREATE TEMPORARY TABLE dogs (id int PRIMARY KEY, name text NOT NULL, size text DEFAULT 'md')")
			})
			s.expect(t, once(), func() { _, _ = db.ExecContext(ctx, "INSERT INTO dogs VALUES ($1, $2)", 1, "Rex") })
			s.expect(t, once(integrity), func() { _, _ = db.ExecContext(ctx, "INSERT INTO dogs VALUES ($1, $2)", 1, "Rex") })
			s.expect(t, once(syntaxError), func() { _, _ = db.QueryContext(ctx, "SELECT * FROM cats") })
			s.expect(t, once(), func() {
				var name, size string
				if err := db.QueryRowContext(ctx, "SELECT name, size FROM dogs WHERE id = $1", 1).Scan(&name, &size); err != nil || name != "Rex" || size != "md" {
					t.Error(name, size, err)
				}
			})
			s.expect(t, once(), func() {
				var name string
				if err := db.QueryRowContext(ctx, "SELECT name FROM dogs WHERE id = 99").Scan(&name); err != sql.ErrNoRows {
					t.Error(err)
				}
			})
			s.expect(t, once(dataError), func() { readAll(t, db) })
			s.expect(t, counts{"executions_total": 3, "query_duration_seconds": 3}, func() {
				stmt, _ := db.PrepareContext(ctx, "UPDATE dogs SET name = $1")
				defer stmt.Close()
				for _, name := range []string{"Bella", "Max", "Luna"} {
					if _, err := stmt.ExecContext(ctx, name); err != nil {
						t.Error(err)
					}
				}
			})
			s.expect(t, once(), func() {
				tx, _ := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true})
				var level string
				if err := tx.QueryRowContext(ctx, "SHOW transaction_isolation").Scan(&level); err != nil || level != "serializable" {
					t.Error(level, err)
				}
				tx.Commit()
			})
			s.pool(t, "pool_connections idle", 1)
			s.pool(t, "pool_max_connections", 1)
			db.Close()
			s.pool(t, "pool_connections idle", 0)
			s.pool(t, "pool_max_connections", 0)
		})
	}
}

func openWrapped(t *testing.T, s service) *sql.DB {
	db, err := s.handle.Open("pgx", postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func openTraced(t *testing.T, s service) *sql.DB {
	config, err := pgx.ParseConfig(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	return pgxmetrics.OpenDB(*config, s.handle)
}

// readAll reads rows of which the tenth is an error.
func readAll(t *testing.T, db *sql.DB) {
	rows, err := db.QueryContext(t.Context(), "SELECT 1 / (10 - n) FROM generate_series(1, 20) n")
	if err != nil {
		t.Error(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
	}
	if rows.Err() == nil {
		t.Error("10 can be divided by 0")
	}
}

func (s service) pool(t *testing.T, name string, want float64) {
	t.Helper()
	if got := s.counts(t)[name]; got != want {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func TestPgxsOwnConnectionIsReachedByRaw(t *testing.T) {
	for name, open := range map[string]func(*testing.T, service) *sql.DB{"wrapped": openWrapped, "traced": openTraced} {
		db := open(t, serve(t))
		defer db.Close()
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		err = conn.Raw(func(driverConn any) error {
			if name == "wrapped" {
				driverConn = database.Unwrap(driverConn)
			}
			own, ok := driverConn.(*stdlib.Conn)
			if !ok {
				return errors.New("it is something else")
			}
			return own.Conn().QueryRow(t.Context(), "SELECT 1").Scan(new(int))
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := db.Driver().(*stdlib.Driver); !ok {
			t.Errorf("%s: the driver is not pgx's", name)
		}
	}
}

func TestColumnTypesOfPostgreSQLAreKept(t *testing.T) {
	db := openWrapped(t, serve(t))
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT 'a'::varchar(7) AS a, 1.25::numeric(5, 2) AS b")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	length, _ := types[0].Length()
	precision, scale, _ := types[1].DecimalSize()
	if types[0].DatabaseTypeName() != "VARCHAR" || length != 7 || precision != 5 || scale != 2 {
		t.Error(types[0].DatabaseTypeName(), length, precision, scale)
	}
}

func TestAConnectionThatTheServerEndsIsAnErrorOnlyWhileItIsUsed(t *testing.T) {
	s := serve(t)
	db := openWrapped(t, s)
	defer db.Close()
	ctx := t.Context()
	other := connect(t, serve(t))
	end := func(asks interface {
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}) {
		var pid int
		if err := asks.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Exec(ctx, "SELECT pg_terminate_backend($1, 60000)", pid); err != nil {
			t.Fatal(err)
		}
	}
	end(db) // idle in the pool, which finds out and opens another
	s.expect(t, once("connections_opened_total"), func() {
		if _, err := db.ExecContext(ctx, "SELECT 1"); err != nil {
			t.Error(err)
		}
	})
	used, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	end(used)
	// Nothing could be sent, and there is no other connection to try it on.
	s.expect(t, counts{badConn: 1}, func() {
		if _, err := used.ExecContext(ctx, "SELECT 1"); !errors.Is(err, driver.ErrBadConn) {
			t.Error(err)
		}
	})
}
