package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// This file does what database/sql does for a driver that lacks a newer interface, as its ctxutil.go does in Go 1.26,
// with the same errors: the wrapper has the newer interface, and a program must not see the difference.

// What drivers have had before Go 1.8, and database/sql still takes. The interfaces of these methods in package driver
// are marked as deprecated, for those who write a driver.
type (
	oldExecer interface {
		Exec(string, []driver.Value) (driver.Result, error)
	}
	oldQueryer interface {
		Query(string, []driver.Value) (driver.Rows, error)
	}
	oldBeginner interface{ Begin() (driver.Tx, error) }
	oldStmt     interface {
		Exec([]driver.Value) (driver.Result, error)
		Query([]driver.Value) (driver.Rows, error)
	}
	oldConverter interface {
		ColumnConverter(int) driver.ValueConverter
	}
)

func prepare(ctx context.Context, c driver.Conn, query string) (driver.Stmt, error) {
	if preparer, ok := c.(driver.ConnPrepareContext); ok {
		return preparer.PrepareContext(ctx, query)
	}
	stmt, err := c.Prepare(query)
	if err == nil && ctx.Err() != nil {
		stmt.Close()
		return nil, ctx.Err()
	}
	return stmt, err
}

func begin(ctx context.Context, c driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if beginner, ok := c.(driver.ConnBeginTx); ok {
		return beginner.BeginTx(ctx, opts)
	}
	if opts.Isolation != driver.IsolationLevel(sql.LevelDefault) {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	tx, err := oldBeginner(c).Begin()
	if err == nil && ctx.Err() != nil {
		tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

// execerOf returns how a connection executes without preparing, nil if it cannot.
func execerOf(c driver.Conn) driver.ExecerContext {
	switch execer := c.(type) {
	case driver.ExecerContext:
		return execer
	case oldExecer:
		return withoutContext{exec: execer.Exec}
	}
	return nil
}

// queryerOf returns how a connection queries without preparing, nil if it cannot.
func queryerOf(c driver.Conn) driver.QueryerContext {
	switch queryer := c.(type) {
	case driver.QueryerContext:
		return queryer
	case oldQueryer:
		return withoutContext{query: queryer.Query}
	}
	return nil
}

// withoutContext executes and queries as drivers did before they knew contexts and named arguments.
type withoutContext struct {
	exec  func(string, []driver.Value) (driver.Result, error)
	query func(string, []driver.Value) (driver.Rows, error)
}

func (w withoutContext) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return w.exec(query, values)
}

func (w withoutContext) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return w.query(query, values)
}

func execStmt(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	if execer, ok := s.(driver.StmtExecContext); ok {
		return execer.ExecContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return oldStmt(s).Exec(values)
}

func queryStmt(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	if queryer, ok := s.(driver.StmtQueryContext); ok {
		return queryer.QueryContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return oldStmt(s).Query(values)
}

func unnamed(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		if arg.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = arg.Value
	}
	return values, ctx.Err()
}
