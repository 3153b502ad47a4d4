package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"sync/atomic"
)

// Open opens a database as [sql.Open] does, with a driver that is registered by that name, and counts what is asked of it
// and the state of its pool until it is closed. As with sql.Open nothing is connected yet.
//
// An error never shows the password that is in the data source name, even if the driver's own error does.
func (h *Handle) Open(driverName, dataSourceName string) (*sql.DB, error) {
	hide := passwords(dataSourceName)
	// This is the way to a driver by its name.
	unmeasured, err := sql.Open(driverName, dataSourceName)
	if err != nil {
		return nil, fmt.Errorf("database %q: %w", h.alias, hide.from(err))
	}
	found := unmeasured.Driver()
	if err := unmeasured.Close(); err != nil {
		return nil, fmt.Errorf("database %q: %w", h.alias, hide.from(err))
	}
	raw := driver.Connector(nameConnector{found, dataSourceName})
	if d, ok := found.(driver.DriverContext); ok {
		if raw, err = d.OpenConnector(dataSourceName); err != nil {
			return nil, fmt.Errorf("database %q: %w", h.alias, hide.from(err))
		}
	}
	return h.open(&connector{raw: raw, handle: h, hide: hide}), nil
}

// OpenDB opens a database as [sql.OpenDB] does, and counts what is asked of it and the state of its pool until it is
// closed.
func (h *Handle) OpenDB(c driver.Connector) *sql.DB {
	return h.open(&connector{raw: c, handle: h})
}

// Wrap returns a connector that counts what is asked of its connections, for a program that calls [sql.OpenDB] itself.
// The state of the pool is exposed if it calls [Handle.WatchDB], too.
func (h *Handle) Wrap(c driver.Connector) driver.Connector {
	return &connector{raw: c, handle: h}
}

func (h *Handle) open(c *connector) *sql.DB {
	db := sql.OpenDB(c)
	stop := h.WatchDB(db)
	c.stop.Store(&stop)
	return db
}

// connector counts the connections that it opens.
type connector struct {
	raw    driver.Connector
	handle *Handle
	hide   hidden
	stop   atomic.Pointer[func()]
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	raw, err := c.raw.Connect(ctx)
	c.handle.Connected(err)
	if err != nil {
		return nil, c.hide.from(err)
	}
	return c.handle.measured(raw), nil
}

// Driver returns the driver's own: programs ask it what it is.
func (c *connector) Driver() driver.Driver { return c.raw.Driver() }

// Close is called by [sql.DB.Close].
func (c *connector) Close() error {
	if stop := c.stop.Load(); stop != nil {
		(*stop)()
	}
	if closer, ok := c.raw.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// nameConnector opens connections of a driver that has no connectors.
type nameConnector struct {
	driver driver.Driver
	name   string
}

func (c nameConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }
func (c nameConnector) Driver() driver.Driver                        { return c.driver }
