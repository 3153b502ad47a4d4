package database_test

import (
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

func TestNothingMoreIsAllocated(t *testing.T) {
	quiet := func() *memory {
		return &memory{sets: sets{everything, stmtSets["all"], rowsSetsOf["all"]}, quiet: true}
	}
	bare, wrapped := sql.OpenDB(quiet()), handle(t).OpenDB(quiet())
	defer bare.Close()
	defer wrapped.Close()
	for name, test := range map[string]struct {
		do   func(*testing.T, *sql.DB) func()
		more float64
	}{
		"an exec": {func(t *testing.T, db *sql.DB) func() {
			return func() { _, _ = db.Exec("do", 1, "a") }
		}, 0},
		"a query": {func(t *testing.T, db *sql.DB) func() {
			return func() {
				var id int64
				if err := db.QueryRow("do").Scan(&id); err != nil || id != 1 {
					t.Fatal(id, err)
				}
			}
		}, 0},
		"a prepared statement's execution": {func(t *testing.T, db *sql.DB) func() {
			stmt, err := db.Prepare("do")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { stmt.Close() })
			return func() { _, _ = stmt.Exec(1, "a") }
		}, 0},
		"a statement that must be prepared": {func(t *testing.T, db *sql.DB) func() {
			return func() { _, _ = db.Exec("skip", 1, "a") }
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			without, with := testing.AllocsPerRun(200, test.do(t, bare)), testing.AllocsPerRun(200, test.do(t, wrapped))
			if with-without > test.more {
				t.Errorf("%v allocations, %v without the wrapper", with, without)
			}
		})
	}
}

// Through a sql.DB a transaction has a goroutine of its own, whose memory comes and goes.
func TestATransactionAllocatesNothingMore(t *testing.T) {
	transaction := func(c driver.Connector) func() {
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			tx, err := conn.(driver.ConnBeginTx).BeginTx(t.Context(), driver.TxOptions{})
			if err != nil {
				t.Fatal(err)
			}
			tx.Commit()
		}
	}
	quiet := &memory{sets: sets{everything, stmtSets["all"], rowsSetsOf["all"]}, quiet: true}
	without, with := testing.AllocsPerRun(200, transaction(quiet)), testing.AllocsPerRun(200, transaction(handle(t).Wrap(quiet)))
	if with > without {
		t.Errorf("%v allocations, %v without the wrapper", with, without)
	}
}

// Run with the race detector: the memory that a connection lends to its rows and transactions goes from one goroutine
// to the next.
func TestManyGoroutinesShareAPool(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	s.db.SetMaxOpenConns(3)
	const goroutines, times = 8, 50
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range times {
				tx, err := s.db.Begin()
				if err != nil {
					t.Error(err)
					return
				}
				rows, err := tx.Query("do")
				if err != nil {
					t.Error(err)
				}
				n := 0
				for rows.Next() {
					n++
				}
				if n != 2 || rows.Err() != nil {
					t.Errorf("%d rows, %v", n, rows.Err())
				}
				if err := tx.Commit(); err != nil {
					t.Error(err)
				}
				expose(t, s)
			}
		})
	}
	all.Wait()
	if got := expose(t, s)["db_executions_total"]; got != goroutines*times {
		t.Errorf("%v executions, want %d", got, goroutines*times)
	}
}

func BenchmarkQueryRow(b *testing.B) {
	quiet := &memory{sets: sets{everything, stmtSets["all"], rowsSetsOf["all"]}, quiet: true}
	for name, db := range map[string]*sql.DB{"bare": sql.OpenDB(quiet), "measured": handle(b).OpenDB(quiet)} {
		b.Run(name, func(b *testing.B) {
			defer db.Close()
			b.ReportAllocs()
			for b.Loop() {
				var id int64
				if err := db.QueryRow("do").Scan(&id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
