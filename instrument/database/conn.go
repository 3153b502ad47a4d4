package database

import (
	"context"
	"database/sql/driver"
)

// conn is a connection that counts what it is asked. Where the driver lacks an optional interface, conn does what
// database/sql does then, but for two: a driver that takes a query without preparing it has its arguments converted in
// another way, so that conn has ExecContext and QueryContext only if the driver has.
type conn struct {
	raw    driver.Conn
	handle *Handle

	execer  driver.ExecerContext  // nil if there is none
	queryer driver.QueryerContext // nil if there is none

	// Memory for what a connection usually has one of at a time. database/sql uses a connection from one goroutine at a
	// time, and nothing after it closed it.
	rows rows
	tx   tx
}

type (
	execConn      struct{ *conn }
	queryConn     struct{ *conn }
	execQueryConn struct{ *conn }
)

func (c execConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.exec(ctx, query, args)
}

func (c execQueryConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.exec(ctx, query, args)
}

func (c queryConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.query(ctx, query, args)
}

func (c execQueryConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.query(ctx, query, args)
}

// measured wraps a connection of the driver.
func (h *Handle) measured(raw driver.Conn) driver.Conn {
	c := &conn{raw: raw, handle: h, execer: execerOf(raw), queryer: queryerOf(raw)}
	switch {
	case c.execer != nil && c.queryer != nil:
		return execQueryConn{c}
	case c.execer != nil:
		return execConn{c}
	case c.queryer != nil:
		return queryConn{c}
	}
	return c
}

// Unwrap returns the driver's own connection of one that [database/sql.Conn.Raw] hands over, and anything else as it is:
//
//	err := c.Raw(func(driverConn any) error {
//		sqlite := database.Unwrap(driverConn).(interface{ Serialize() ([]byte, error) })
//		…
//	})
//
// What is asked of it directly is not counted.
func Unwrap(driverConn any) any {
	if c, ok := driverConn.(interface{ unwrap() driver.Conn }); ok {
		return c.unwrap()
	}
	return driverConn
}

func (c *conn) unwrap() driver.Conn { return c.raw }

func (c *conn) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	start := c.handle.metrics.now()
	result, err := c.execer.ExecContext(ctx, query, args)
	c.handle.Executed(c.handle.metrics.now()-start, err)
	return result, err
}

func (c *conn) query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	start := c.handle.metrics.now()
	raw, err := c.queryer.QueryContext(ctx, query, args)
	c.handle.Executed(c.handle.metrics.now()-start, err)
	if err != nil || raw == nil {
		return raw, err
	}
	return c.measuredRows(ctx, raw), nil
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	raw, err := prepare(ctx, c.raw, query)
	if err != nil {
		c.handle.Failed(err)
		return raw, err
	}
	return c.measuredStmt(raw), nil
}

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	raw, err := begin(ctx, c.raw, opts)
	if err != nil {
		c.handle.Failed(err)
		return raw, err
	}
	return c.measuredTx(raw), nil
}

func (c *conn) Ping(ctx context.Context) error {
	pinger, ok := c.raw.(driver.Pinger)
	if !ok {
		return nil
	}
	err := pinger.Ping(ctx)
	if err != nil {
		c.handle.Failed(err)
	}
	return err
}

func (c *conn) Close() error { return c.raw.Close() }

// ResetSession is how database/sql finds out that a connection of the pool has died. That is not counted: it takes another
// one, and nothing that the application asked for has failed.
func (c *conn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.raw.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	if validator, ok := c.raw.(driver.Validator); ok {
		return validator.IsValid()
	}
	return true
}

func (c *conn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.raw.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip // database/sql's own conversion
}
