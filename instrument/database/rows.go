package database

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// rows counts the error that ends them: many databases only say while rows are read that the query has failed.
// What a driver's rows lack is answered as database/sql answers it.
type rows struct {
	raw     driver.Rows
	conn    *conn
	ctx     context.Context
	ended   bool // there are no more
	counted bool // an error
}

// measuredRows uses the connection's own memory, unless other rows of it are still open.
func (c *conn) measuredRows(ctx context.Context, raw driver.Rows) driver.Rows {
	r := &c.rows
	if r.conn != nil {
		r = &rows{}
	}
	*r = rows{raw: raw, conn: c, ctx: ctx}
	return r.offered()
}

// end notes how a call ended, and returns that. An error is counted once: closing rows often repeats it.
func (r *rows) end(err error) error {
	if err == nil {
		return nil
	}
	r.ended = true
	if err != io.EOF && !r.counted {
		r.counted = true
		r.conn.handle.Failed(err)
	}
	return err
}

func (r *rows) Columns() []string              { return r.raw.Columns() }
func (r *rows) Next(dest []driver.Value) error { return r.end(r.raw.Next(dest)) }

// Close is also how database/sql ends rows whose context is done, without asking the driver for more of them.
func (r *rows) Close() error {
	err := r.raw.Close()
	if r.conn == nil {
		return err
	}
	switch {
	case err != nil:
		_ = r.end(err)
	case !r.ended:
		_ = r.end(r.ctx.Err())
	}
	if r == &r.conn.rows {
		*r = rows{raw: noRows{}}
	}
	return err
}

// noRows stand for rows that were closed: they are not kept in memory.
type noRows struct{}

func (noRows) Columns() []string         { return nil }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

func (r *rows) HasNextResultSet() bool {
	next, ok := r.raw.(driver.RowsNextResultSet)
	return ok && next.HasNextResultSet()
}

func (r *rows) NextResultSet() error {
	next, ok := r.raw.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	err := next.NextResultSet()
	r.ended = false
	return r.end(err)
}

func (r *rows) ColumnTypeScanType(index int) reflect.Type {
	if typed, ok := r.raw.(driver.RowsColumnTypeScanType); ok {
		return typed.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}

func (r *rows) ColumnTypeDatabaseTypeName(index int) string {
	if typed, ok := r.raw.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return typed.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

func (r *rows) ColumnTypeLength(index int) (length int64, ok bool) {
	if typed, ok := r.raw.(driver.RowsColumnTypeLength); ok {
		return typed.ColumnTypeLength(index)
	}
	return 0, false
}

func (r *rows) ColumnTypeNullable(index int) (nullable, ok bool) {
	if typed, ok := r.raw.(driver.RowsColumnTypeNullable); ok {
		return typed.ColumnTypeNullable(index)
	}
	return false, false
}

func (r *rows) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if typed, ok := r.raw.(driver.RowsColumnTypePrecisionScale); ok {
		return typed.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}
