package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// Everything that a program can see of a driver through database/sql, and every call that reaches the driver, is the same
// with and without the wrapper.
func TestADriverBehavesTheSameWhateverOptionalInterfacesItHas(t *testing.T) {
	for connSet, conn := range connSets {
		for stmtSet, stmt := range stmtSets {
			compare(t, "conn: "+connSet+"/stmt: "+stmtSet, sets{conn, stmt, rowsSetsOf["all"]})
		}
	}
	for rowsSet, rows := range rowsSetsOf {
		for _, connSet := range []string{"no interface", "all, as go-sql-driver/mysql"} {
			compare(t, "conn: "+connSet+"/rows: "+rowsSet,
				sets{connSets[connSet], stmtSets["no interface"], rows})
		}
	}
}

func compare(t *testing.T, name string, of sets) {
	t.Helper()
	bare := &memory{sets: of}
	wrapped := &memory{sets: of}
	seen := use(t, bare, sql.OpenDB(bare))
	seenWrapped := use(t, wrapped, handle(t).OpenDB(wrapped))
	if i := firstDifference(seen, seenWrapped); i >= 0 {
		t.Errorf("%s: result %d:\nbare    %s\nwrapped %s", name, i, at(seen, i), at(seenWrapped, i))
	}
	if i := firstDifference(bare.calls, wrapped.calls); i >= 0 {
		t.Errorf("%s: call %d:\nbare    %s\nwrapped %s", name, i, at(bare.calls, i), at(wrapped.calls, i))
	}
}

func handle(t testing.TB) *database.Handle {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := database.New(m, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return metrics.Handle("default", database.PostgreSQL)
}

func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(none)"
}

// use does everything that a program may do with a database, and returns what it sees.
func use(t *testing.T, m *memory, db *sql.DB) (seen []string) {
	see := func(what string, values ...any) {
		seen = append(seen, fmt.Sprint(append([]any{what, ": "}, values...)...))
	}
	ctx := t.Context()
	// Arguments that a conversion shows: by the connection, by the statement, by column, by database/sql.
	for _, args := range [][]any{
		{}, {"a", 1}, {"a"}, {breed{"Spaniel"}, 1}, {removed{}, "a", 1}, {sql.Named("n", 1), "a"}, {(chan int)(nil), 1}, {[]int{1}, 2},
	} {
		for _, query := range []string{"do", "skip", "error"} {
			result, err := db.ExecContext(ctx, query, args...)
			see("exec", result != nil, err)
			see("query", all(db.QueryContext(ctx, query, args...)), "")
			if prepared, err := db.PrepareContext(ctx, query); err == nil {
				result, err := prepared.ExecContext(ctx, args...)
				see("prepared exec", result != nil, err)
				see("prepared query", all(prepared.QueryContext(ctx, args...)))
				see("prepared close", prepared.Close())
			}
		}
	}
	for _, query := range []string{"broken row", "broken close", "broken set"} {
		see(query, all(db.QueryContext(ctx, query)))
	}
	useTransactions(ctx, m, db, see)
	useBadConnections(ctx, m, db, see)
	_, err := db.PrepareContext(ctx, "syntax")
	see("prepare", err)
	canceled, cancel := context.WithCancel(ctx)
	m.slow = cancel
	_, err = db.PrepareContext(canceled, "do")
	see("canceled while it prepares", err)
	see("driver", fmt.Sprintf("%T", db.Driver()))
	see("close", db.Close())
	return seen
}

func useTransactions(ctx context.Context, m *memory, db *sql.DB, see func(string, ...any)) {
	for _, opts := range []*sql.TxOptions{nil, {}, {ReadOnly: true}, {Isolation: sql.LevelSerializable}} {
		tx, err := db.BeginTx(ctx, opts)
		see("begin", err)
		if err != nil {
			continue
		}
		_, err = tx.ExecContext(ctx, "do")
		see("exec in it", err)
		see("nested", all(tx.QueryContext(ctx, "do")))
		m.bad = 0
		see("commit", tx.Commit())
		see("commit again", tx.Commit())
	}
	tx, err := db.Begin()
	see("begin", err)
	see("rollback", tx.Rollback())
	canceled, cancel := context.WithCancel(ctx)
	m.slow = cancel
	tx, err = db.BeginTx(canceled, nil)
	see("canceled while it begins", err)
	if err == nil { // the driver did not notice: nothing was canceled
		see("rollback", tx.Rollback())
	}
	cancel()
	m.slow = nil
}

func useBadConnections(ctx context.Context, m *memory, db *sql.DB, see func(string, ...any)) {
	for bad := range 5 {
		m.bad = bad
		_, err := db.ExecContext(ctx, "bad")
		see("exec on bad connections", err)
		m.bad = bad
		see("query on bad connections", all(db.QueryContext(ctx, "bad")))
		m.bad = bad
		see("ping on bad connections", db.PingContext(ctx))
	}
	m.bad = 0
	see("connections", db.Stats().OpenConnections)
}

// all reads all rows of all sets and says what is known of their columns.
func all(rows *sql.Rows, err error) []string {
	if err != nil {
		return []string{err.Error()}
	}
	defer rows.Close()
	var seen []string
	see := func(values ...any) { seen = append(seen, fmt.Sprint(values...)) }
	types, err := rows.ColumnTypes()
	see(err)
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasPrecision := c.DecimalSize()
		nullable, hasNullable := c.Nullable()
		see(c.Name(), c.DatabaseTypeName(), c.ScanType(), length, hasLength, precision, scale, hasPrecision, nullable, hasNullable)
	}
	for {
		for rows.Next() {
			var id int64
			err := rows.Scan(&id)
			see(id, err)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	see(rows.Err())
	see(rows.Close())
	return seen
}

// The optional interfaces that change what database/sql does are there only if the driver has them.
func TestOnlyWhatTheDriverHasIsOffered(t *testing.T) {
	for name, set := range connSets {
		m := &memory{sets: sets{set, stmtSets["no interface"], rowsSetsOf["no interface"]}}
		bare := set(&memConn{m})
		conn, err := handle(t).Wrap(m).Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, execs := bare.(driver.ExecerContext)
		_, oldExecs := bare.(interface {
			Exec(string, []driver.Value) (driver.Result, error)
		})
		if _, got := conn.(driver.ExecerContext); got != (execs || oldExecs) {
			t.Errorf("%s: executes directly: %t", name, got)
		}
		_, queries := bare.(driver.QueryerContext)
		_, oldQueries := bare.(interface {
			Query(string, []driver.Value) (driver.Rows, error)
		})
		if _, got := conn.(driver.QueryerContext); got != (queries || oldQueries) {
			t.Errorf("%s: queries directly: %t", name, got)
		}
		if got, want := fmt.Sprintf("%T", database.Unwrap(conn)), fmt.Sprintf("%T", bare); got != want {
			t.Errorf("%s: Unwrap returns another connection", name)
		}
	}
}
