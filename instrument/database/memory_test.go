package database_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"
)

// memory is a database in memory that does what a statement's text says and writes down every call of its driver.
// Which optional interfaces its connections, statements and rows have is chosen by wrapping them.
type memory struct {
	sets

	mu    sync.Mutex
	calls []string
	bad   int    // how often the next calls answer driver.ErrBadConn
	down  error  // what Connect answers
	quiet bool   // writes nothing down
	slow  func() // called while a statement is prepared or a transaction begun without a context
}

var errBroken = errors.New("broken")

func (m *memory) note(format string, args ...any) {
	if m.quiet {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, fmt.Sprintf(format, args...))
}

func (m *memory) wait() {
	if m.slow != nil {
		m.slow()
	}
}

// answer is what the database says to a statement.
func (m *memory) answer(query string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case query == "error":
		return errBroken
	case query == "slow":
		<-time.After(30 * time.Millisecond) // of a synctest clock
	case query == "bad" && m.bad > 0:
		m.bad--
		return driver.ErrBadConn
	}
	return nil
}

func (m *memory) Connect(context.Context) (driver.Conn, error) {
	m.note("connect")
	if m.down != nil {
		return nil, m.down
	}
	return m.conn(&memConn{m}), nil
}

func (m *memory) Driver() driver.Driver { return memDriver{m} }

type memDriver struct{ memory *memory }

func (d memDriver) Open(string) (driver.Conn, error) { return d.memory.Connect(context.Background()) }

// memConn is a connection without any optional interface.
type memConn struct{ m *memory }

func (c *memConn) Prepare(query string) (driver.Stmt, error) {
	c.m.note("Prepare %s", query)
	c.m.wait()
	return c.prepare(query)
}

func (c *memConn) prepare(query string) (driver.Stmt, error) {
	if query == "syntax" {
		return nil, errBroken
	}
	return c.m.stmt(&memStmt{m: c.m, query: query}), nil
}

func (c *memConn) Close() error { c.m.note("Close"); return nil }

func (c *memConn) Begin() (driver.Tx, error) {
	c.m.note("Begin")
	c.m.wait()
	return memTx{c.m}, c.m.answer("bad")
}

func (c *memConn) exec(query string) (driver.Result, error) {
	if query == "skip" {
		return nil, driver.ErrSkip
	}
	return driver.RowsAffected(3), c.m.answer(query)
}

func (c *memConn) query(query string) (driver.Rows, error) {
	if query == "skip" {
		return nil, driver.ErrSkip
	}
	if err := c.m.answer(query); err != nil {
		return nil, err
	}
	return c.m.rows(&memRows{m: c.m, query: query}), nil
}

// The optional interfaces of a connection, one each.
type (
	connExec     struct{ of *memConn }
	connOldExec  struct{ of *memConn }
	connQuery    struct{ of *memConn }
	connOldQuery struct{ of *memConn }
	connPrepare  struct{ of *memConn }
	connBegin    struct{ of *memConn }
	connPing     struct{ of *memConn }
	connReset    struct{ of *memConn }
	connValid    struct{ of *memConn }
	connCheck    struct{ of *memConn }
)

func (c connExec) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.of.m.note("conn.ExecContext %s %v", query, args)
	return c.of.exec(query)
}

func (c connOldExec) Exec(query string, args []driver.Value) (driver.Result, error) {
	c.of.m.note("conn.Exec %s %v", query, args)
	return c.of.exec(query)
}

func (c connQuery) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.of.m.note("conn.QueryContext %s %v", query, args)
	return c.of.query(query)
}

func (c connOldQuery) Query(query string, args []driver.Value) (driver.Rows, error) {
	c.of.m.note("conn.Query %s %v", query, args)
	return c.of.query(query)
}

func (c connPrepare) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	c.of.m.note("PrepareContext %s", query)
	return c.of.prepare(query)
}

func (c connBegin) BeginTx(_ context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.of.m.note("BeginTx %v", opts)
	return memTx{c.of.m}, c.of.m.answer("bad")
}

func (c connPing) Ping(context.Context) error          { c.of.m.note("Ping"); return c.of.m.answer("bad") }
func (c connReset) ResetSession(context.Context) error { c.of.m.note("ResetSession"); return nil }
func (c connValid) IsValid() bool                      { c.of.m.note("IsValid"); return true }

// CheckNamedValue turns a breed into text, removes what is to be removed, and leaves the rest to database/sql.
func (c connCheck) CheckNamedValue(v *driver.NamedValue) error { return check(c.of.m, "conn", v) }

type breed struct{ name string }

type removed struct{}

func check(m *memory, who string, v *driver.NamedValue) error {
	m.note("%s.CheckNamedValue %v", who, v.Value)
	switch value := v.Value.(type) {
	case breed:
		v.Value = who + " says " + value.name
		return nil
	case removed:
		return driver.ErrRemoveArgument
	}
	return driver.ErrSkip
}

type memTx struct{ m *memory }

func (t memTx) Commit() error   { t.m.note("Commit"); return t.m.answer("bad") }
func (t memTx) Rollback() error { t.m.note("Rollback"); return t.m.answer("bad") }
