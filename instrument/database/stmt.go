package database

import (
	"context"
	"database/sql/driver"
)

// stmt is a prepared statement that counts its executions.
type stmt struct {
	raw  driver.Stmt
	conn *conn
}

// convertingStmt is one whose driver converts arguments by column. A stmt cannot pretend that: without a converter,
// database/sql checks arguments in another way.
type convertingStmt struct{ *stmt }

func (s convertingStmt) ColumnConverter(i int) driver.ValueConverter {
	return s.raw.(oldConverter).ColumnConverter(i)
}

func (c *conn) measuredStmt(raw driver.Stmt) driver.Stmt {
	s := &stmt{raw: raw, conn: c}
	if _, ok := raw.(oldConverter); ok {
		return convertingStmt{s}
	}
	return s
}

func (s *stmt) Close() error  { return s.raw.Close() }
func (s *stmt) NumInput() int { return s.raw.NumInput() }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	h := s.conn.handle
	start := h.metrics.now()
	result, err := execStmt(ctx, s.raw, args)
	h.Executed(h.metrics.now()-start, err)
	return result, err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	h := s.conn.handle
	start := h.metrics.now()
	raw, err := queryStmt(ctx, s.raw, args)
	h.Executed(h.metrics.now()-start, err)
	if err != nil || raw == nil {
		return raw, err
	}
	return s.conn.measuredRows(ctx, raw), nil
}

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), numbered(args))
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), numbered(args))
}

func numbered(args []driver.Value) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return named
}

// CheckNamedValue is the statement's own or its connection's, in the order in which database/sql asks them.
func (s *stmt) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := s.raw.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return s.conn.CheckNamedValue(value)
}
