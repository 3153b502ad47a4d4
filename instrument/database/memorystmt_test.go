package database_test

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
	"strings"
)

// memStmt is a statement without any optional interface.
type memStmt struct {
	m     *memory
	query string
}

func (s *memStmt) Close() error { s.m.note("stmt.Close"); return nil }

// NumInput is that of the drivers that do not count.
func (s *memStmt) NumInput() int { return -1 }

func (s *memStmt) Exec(args []driver.Value) (driver.Result, error) {
	s.m.note("stmt.Exec %s %v", s.query, args)
	return driver.RowsAffected(3), s.m.answer(s.query)
}

func (s *memStmt) Query(args []driver.Value) (driver.Rows, error) {
	s.m.note("stmt.Query %s %v", s.query, args)
	if err := s.m.answer(s.query); err != nil {
		return nil, err
	}
	return s.m.rows(&memRows{m: s.m, query: s.query}), nil
}

// The optional interfaces of a statement, one each; numbered is one that counts its two arguments.
type (
	stmtExec    struct{ of *memStmt }
	stmtQuery   struct{ of *memStmt }
	stmtCheck   struct{ of *memStmt }
	stmtConvert struct{ of *memStmt }
	numbered    struct{ *memStmt }
)

func (numbered) NumInput() int { return 2 }

func (s stmtExec) ExecContext(_ context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.of.m.note("stmt.ExecContext %s %v", s.of.query, args)
	return driver.RowsAffected(3), s.of.m.answer(s.of.query)
}

func (s stmtQuery) QueryContext(_ context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.of.m.note("stmt.QueryContext %s %v", s.of.query, args)
	if err := s.of.m.answer(s.of.query); err != nil {
		return nil, err
	}
	return s.of.m.rows(&memRows{m: s.of.m, query: s.of.query}), nil
}

func (s stmtCheck) CheckNamedValue(v *driver.NamedValue) error { return check(s.of.m, "stmt", v) }

func (s stmtConvert) ColumnConverter(i int) driver.ValueConverter {
	s.of.m.note("ColumnConverter %d", i)
	return driver.String
}

// memRows are two rows, or what their query says, without any optional interface.
type memRows struct {
	m     *memory
	query string
	row   int
	set   int
}

func (r *memRows) Columns() []string { return []string{"id"} }

func (r *memRows) Close() error {
	r.m.note("rows.Close")
	if r.query == "broken close" || r.query == "broken row and close" {
		return errBroken
	}
	return nil
}

func (r *memRows) Next(dest []driver.Value) error {
	r.m.note("Next")
	if err := r.advance(); err != nil {
		return err
	}
	dest[0] = r.value()
	return nil
}

func (r *memRows) advance() error {
	if r.row++; strings.HasPrefix(r.query, "broken row") && r.row == 2 {
		return errBroken
	}
	if r.row > 2 && r.query != "endless" {
		return io.EOF
	}
	return nil
}

func (r *memRows) value() int64 { return int64(10*r.set + r.row) }

// The optional interfaces of rows, one each.
type (
	rowsSets      struct{ of *memRows }
	rowsScanType  struct{ of *memRows }
	rowsTypeName  struct{ of *memRows }
	rowsLength    struct{ of *memRows }
	rowsNullable  struct{ of *memRows }
	rowsPrecision struct{ of *memRows }
)

func (r rowsSets) HasNextResultSet() bool { r.of.m.note("HasNextResultSet"); return r.of.set == 0 }

func (r rowsSets) NextResultSet() error {
	r.of.m.note("NextResultSet")
	if r.of.set++; r.of.query == "broken set" {
		return errBroken
	}
	if r.of.row = 0; r.of.set > 1 {
		return io.EOF
	}
	return nil
}

func (r rowsScanType) ColumnTypeScanType(int) reflect.Type        { return reflect.TypeFor[int64]() }
func (r rowsTypeName) ColumnTypeDatabaseTypeName(int) string      { return "INTEGER" }
func (r rowsLength) ColumnTypeLength(int) (int64, bool)           { return 7, true }
func (r rowsNullable) ColumnTypeNullable(int) (nullable, ok bool) { return true, true }
func (r rowsPrecision) ColumnTypePrecisionScale(int) (precision, scale int64, ok bool) {
	return 5, 2, true
}
