package database

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// rows counts the error that ends them: many databases only say while rows are read that the query has failed.
// What a driver's rows lack is answered as database/sql answers it.
type rows struct {
	raw    driver.Rows
	conn   *conn
	failed bool // counted
}

// measuredRows uses the connection's own memory, unless other rows of it are still open.
func (c *conn) measuredRows(raw driver.Rows) *rows {
	if c.rows.conn != nil {
		return &rows{raw: raw, conn: c}
	}
	c.rows = rows{raw: raw, conn: c}
	return &c.rows
}

func (r *rows) count(err error) error {
	if err != nil && err != io.EOF && !r.failed {
		r.failed = true
		r.conn.handle.Failed(err)
	}
	return err
}

func (r *rows) Columns() []string              { return r.raw.Columns() }
func (r *rows) Next(dest []driver.Value) error { return r.count(r.raw.Next(dest)) }

func (r *rows) Close() error {
	err := r.raw.Close()
	if r.conn != nil {
		_ = r.count(err)
		if r == &r.conn.rows {
			*r = rows{raw: noRows{}}
		}
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
	if next, ok := r.raw.(driver.RowsNextResultSet); ok {
		return r.count(next.NextResultSet())
	}
	return io.EOF
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
