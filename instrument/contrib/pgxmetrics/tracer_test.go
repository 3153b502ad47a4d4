package pgxmetrics_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/truecount/truecount/instrument/contrib/pgxmetrics"
)

const (
	syntaxError = "errors_total syntax_error_or_access_rule_violation"
	integrity   = "errors_total integrity_constraint_violation"
	dataError   = "errors_total data_exception"
	canceled    = "errors_total canceled"
	badConn     = "errors_total bad_connection"
)

func connect(t *testing.T, s service, change ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(config)
	}
	pgxmetrics.Trace(config, s.handle)
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestWhatPgxIsAskedIsCounted(t *testing.T) {
	for name, mode := range map[string]pgx.QueryExecMode{
		"cached statements": pgx.QueryExecModeCacheStatement,
		"described":         pgx.QueryExecModeDescribeExec,
		"simple protocol":   pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			var conn *pgx.Conn
			s.expect(t, counts{"connections_opened_total": 1}, func() {
				conn = connect(t, s, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode })
			})
			ctx := t.Context()
			exec := func(sql string, args ...any) func() {
				return func() { _, _ = conn.Exec(ctx, sql, args...) }
			}
			s.expect(t, once(), exec("CREATE TEMPORARY TABLE dogs (id int PRIMARY KEY, name text NOT NULL)"))
			s.expect(t, once(), exec("INSERT INTO dogs VALUES ($1, $2)", 1, "Rex"))
			s.expect(t, once(integrity), exec("INSERT INTO dogs VALUES ($1, $2)", 1, "Rex"))
			s.expect(t, once(syntaxError), exec("SELEC 1"))
			s.expect(t, once(), func() {
				var name string
				if err := conn.QueryRow(ctx, "SELECT name FROM dogs WHERE id = $1", 99).Scan(&name); err != pgx.ErrNoRows {
					t.Error(err)
				}
			})
			s.expect(t, once(dataError), func() { // the tenth row fails, the first nine are read
				rows, err := conn.Query(ctx, "SELECT 1 / (10 - n) FROM generate_series(1, 20) n")
				if err != nil {
					t.Error(err)
				}
				for rows.Next() {
				}
				if rows.Err() == nil {
					t.Error("10 can be divided by 0")
				}
			})
			s.expect(t, counts{syntaxError: 1}, func() { _, _ = conn.Prepare(ctx, "wrong", "SELEC 1") })
			s.expect(t, counts{}, func() { _, _ = conn.Prepare(ctx, "right", "SELECT 1") })
		})
	}
}

func TestTransactionsOfPgxAreNoExecutions(t *testing.T) {
	s := serve(t)
	conn := connect(t, s)
	ctx := t.Context()
	s.expect(t, once(), func() {
		tx, _ := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
		nested, _ := tx.Begin(ctx)
		_, _ = nested.Exec(ctx, "CREATE TEMPORARY TABLE walks (id int PRIMARY KEY, after int REFERENCES walks DEFERRABLE INITIALLY DEFERRED)")
		nested.Commit(ctx)
		other, _ := tx.Begin(ctx)
		other.Rollback(ctx)
		if err := tx.Commit(ctx); err != nil {
			t.Error(err)
		}
	})
	s.expect(t, once(integrity), func() { // the error comes with the commit
		tx, _ := conn.Begin(ctx)
		_, _ = tx.Exec(ctx, "INSERT INTO walks VALUES (1, 99)")
		if err := tx.Commit(ctx); err == nil {
			t.Error("a walk after one that does not exist")
		}
	})
}

func TestEachStatementOfABatchIsABatchExecution(t *testing.T) {
	s := serve(t)
	conn := connect(t, s)
	ctx := t.Context()
	batch := func(statements ...string) *pgx.Batch {
		b := &pgx.Batch{}
		for _, statement := range statements {
			b.Queue(statement)
		}
		return b
	}
	s.expect(t, counts{"executions_total": 3, "batch_executions_total": 3, "query_duration_seconds": 1}, func() {
		if err := conn.SendBatch(ctx, batch("SELECT 1", "SELECT 2", "SELECT 3")).Close(); err != nil {
			t.Error(err)
		}
	})
	s.expect(t, counts{"executions_total": 3, "batch_executions_total": 3, "query_duration_seconds": 1, dataError: 1}, func() {
		if err := conn.SendBatch(ctx, batch("SELECT 1", "SELECT 1/0", "SELECT 3")).Close(); err == nil {
			t.Error("1 can be divided by 0")
		}
	})
	s.expect(t, counts{"executions_total": 1, "batch_executions_total": 1, "query_duration_seconds": 1, syntaxError: 1}, func() {
		if err := conn.SendBatch(ctx, batch("SELEC 1")).Close(); err == nil {
			t.Error("SELEC is a statement")
		}
	})
	s.expect(t, counts{"executions_total": 1, "batch_executions_total": 1, "query_duration_seconds": 1, "errors_total other": 1}, func() {
		own := "DO $$ BEGIN RAISE EXCEPTION 'no dogs' USING ERRCODE = 'ZZ001'; END $$"
		if err := conn.SendBatch(ctx, batch(own)).Close(); err == nil {
			t.Error("the exception is lost")
		}
	})
	s.expect(t, counts{"executions_total": 1, "batch_executions_total": 1, "query_duration_seconds": 1}, func() {
		b := batch("SELECT 1")
		b.QueuedQueries[0].QueryRow(func(pgx.Row) error { return errors.New("an error of the program's") })
		if err := conn.SendBatch(ctx, b).Close(); err == nil {
			t.Error("the program's error is lost")
		}
	})
}

func TestACopyIsOneExecution(t *testing.T) {
	s := serve(t)
	conn := connect(t, s)
	ctx := t.Context()
	if _, err := conn.Exec(ctx, "CREATE TEMPORARY TABLE dogs (id int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	dogs := func(table string, ids ...any) func() {
		return func() {
			rows := make([][]any, len(ids))
			for i, id := range ids {
				rows[i] = []any{id}
			}
			_, _ = conn.CopyFrom(ctx, pgx.Identifier{table}, []string{"id"}, pgx.CopyFromRows(rows))
		}
	}
	s.expect(t, once(), dogs("dogs", 1, 2, 3))
	s.expect(t, once(integrity), dogs("dogs", 4, 4))
	s.expect(t, counts{syntaxError: 1}, dogs("cats", 1)) // nothing was copied: it is the preparation that fails
}

func TestWhatWasNotSentIsNoExecution(t *testing.T) {
	s := serve(t)
	conn := connect(t, s)
	ctx := t.Context()
	early, cancel := context.WithCancel(ctx)
	cancel()
	s.expect(t, counts{canceled: 1}, func() { _, _ = conn.Exec(early, "SELECT 1") })
	conn.Close(ctx)
	s.expect(t, counts{badConn: 1}, func() { _, _ = conn.Exec(ctx, "SELECT 1") })
	s.expect(t, counts{badConn: 1}, func() {
		b := &pgx.Batch{}
		b.Queue("SELECT 1")
		_ = conn.SendBatch(ctx, b).Close()
	})
}

func TestACanceledQueryIsCanceled(t *testing.T) {
	s := serve(t)
	conn := connect(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	other := connect(t, serve(t))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for { // until the other connection sees that it sleeps
			var n int
			err := other.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(300)'").Scan(&n)
			if err != nil || n > 0 {
				break
			}
		}
		cancel()
	}()
	s.expect(t, once(canceled), func() { _, _ = conn.Exec(ctx, "SELECT pg_sleep(300)") })
	<-done
}

func TestATracerOfTheProgramsGoesOn(t *testing.T) {
	s := serve(t)
	own := &ownTracer{}
	conn := connect(t, s, func(c *pgx.ConnConfig) { c.Tracer = own })
	s.expect(t, once(dataError), func() { _, _ = conn.Exec(t.Context(), "SELECT 1/0") })
	s.expect(t, once(syntaxError), func() { _, _ = conn.Exec(t.Context(), "SELECT nothing FROM nowhere WHERE x = $1", 1) })
	if own.connects != 1 || own.queries != 2 {
		t.Errorf("the program's tracer saw %d connections and %d queries", own.connects, own.queries)
	}
	var state *pgconn.PgError
	if !errors.As(own.last, &state) || state.Code != "42P01" {
		t.Error("the program's tracer saw", own.last)
	}
}

// ownTracer wraps the context, as tracers do.
type ownTracer struct {
	connects, queries int
	last              error
}

type ownKey struct{}

func (o *ownTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, ownKey{}, o)
}

func (o *ownTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if ctx.Value(ownKey{}) == o {
		o.queries++
	}
	o.last = data.Err
}

func (o *ownTracer) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}
func (o *ownTracer) TraceConnectEnd(context.Context, pgx.TraceConnectEndData) { o.connects++ }
