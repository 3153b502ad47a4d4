package pgxmetrics

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/truecount/truecount/instrument/database"
)

// Trace makes connections of that configuration count on h. A tracer that the configuration has goes on tracing.
func Trace(config *pgx.ConnConfig, h *database.Handle) {
	ours := New(h)
	if config.Tracer == nil {
		config.Tracer = ours
		return
	}
	config.Tracer = multitracer.New(ours, config.Tracer)
}

// Tracer counts what pgx tells it. [Trace] puts it into a configuration; with other tracers it is combined by pgx's
// package multitracer. It is safe for concurrent use.
type Tracer struct{ handle *database.Handle }

// New returns a tracer that counts on h.
func New(h *database.Handle) *Tracer { return &Tracer{h} }

var (
	_ pgx.QueryTracer    = (*Tracer)(nil)
	_ pgx.BatchTracer    = (*Tracer)(nil)
	_ pgx.CopyFromTracer = (*Tracer)(nil)
	_ pgx.PrepareTracer  = (*Tracer)(nil)
	_ pgx.ConnectTracer  = (*Tracer)(nil)
)

// operation is the context of a query, a batch or a copy while it runs: one block of memory for both.
type operation struct {
	context.Context
	start      time.Time
	statements int   // 0 for what is no execution
	err        error // the first of a batch
	copies     bool
	ended      bool // pgx ends a batch twice that could not be sent
}

type operationKey struct{}

func (o *operation) Value(key any) any {
	if key == (operationKey{}) {
		return o
	}
	return o.Context.Value(key)
}

// operationOf returns the innermost operation, through the contexts of other tracers; nil if there is none.
func operationOf(ctx context.Context) *operation {
	if o, ok := ctx.(*operation); ok {
		return o
	}
	o, _ := ctx.Value(operationKey{}).(*operation)
	return o
}

func begin(ctx context.Context, statements int) *operation {
	return &operation{Context: ctx, start: time.Now(), statements: statements}
}

// executed ends an operation of one statement.
func (t *Tracer) executed(ctx context.Context, err error) {
	o := operationOf(ctx)
	if o == nil {
		return
	}
	if o.statements == 0 {
		t.handle.Failed(unsent(err))
		return
	}
	t.handle.Executed(time.Since(o.start), unsent(err))
}

// unsent marks an error as database/sql's drivers do if nothing was sent to the server.
func unsent(err error) error {
	if err != nil && pgconn.SafeToRetry(err) {
		return fmt.Errorf("%w: %w", driver.ErrBadConn, err)
	}
	return err
}

// TraceQueryStart is called by pgx.
func (t *Tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if controlsTransaction(data.SQL) {
		return begin(ctx, 0)
	}
	return begin(ctx, 1)
}

// TraceQueryEnd is called by pgx, for queries when their rows are closed.
func (t *Tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	t.executed(ctx, data.Err)
}

// controlsTransaction recognises what pgx.Tx writes.
func controlsTransaction(sql string) bool {
	switch sql {
	case "begin", "commit", "rollback":
		return true
	}
	return strings.HasPrefix(sql, "begin ") || strings.HasPrefix(sql, "savepoint sp_") ||
		strings.HasPrefix(sql, "release savepoint sp_") || strings.HasPrefix(sql, "rollback to savepoint sp_")
}

// TraceBatchStart is called by pgx.
func (t *Tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	return begin(ctx, data.Batch.Len())
}

// TraceBatchQuery is called by pgx for each statement whose result is read.
func (t *Tracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if o := operationOf(ctx); o != nil && o.err == nil {
		o.err = data.Err
	}
}

// TraceBatchEnd is called by pgx when the batch is closed.
func (t *Tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	o := operationOf(ctx)
	if o == nil || o.ended {
		return
	}
	o.ended = true
	if pgconn.SafeToRetry(data.Err) {
		t.handle.Failed(unsent(data.Err))
		return
	}
	// The end also reports errors of the program's own functions that read the results: they are not the database's.
	if o.err == nil && database.ClassOf(data.Err) != database.Other {
		o.err = data.Err
	}
	t.handle.BatchExecuted(o.statements, time.Since(o.start), o.err)
}

// TraceCopyFromStart is called by pgx.
func (t *Tracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	o := begin(ctx, 1)
	o.copies = true
	return o
}

// TraceCopyFromEnd is called by pgx.
func (t *Tracer) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	t.executed(ctx, data.Err)
}

// TracePrepareStart is called by pgx.
func (t *Tracer) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return ctx
}

// TracePrepareEnd is called by pgx. Where a query prepares its statement, the query ends with the same error; but a copy
// whose statement cannot be prepared does not end for a tracer (pgx 5.12).
func (t *Tracer) TracePrepareEnd(ctx context.Context, _ *pgx.Conn, data pgx.TracePrepareEndData) {
	if data.Err == nil {
		return
	}
	if o := operationOf(ctx); o == nil || o.copies {
		t.handle.Failed(unsent(data.Err))
	}
}

// TraceConnectStart is called by pgx.
func (t *Tracer) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}

// TraceConnectEnd is called by pgx.
func (t *Tracer) TraceConnectEnd(_ context.Context, data pgx.TraceConnectEndData) {
	t.handle.Connected(data.Err)
}
