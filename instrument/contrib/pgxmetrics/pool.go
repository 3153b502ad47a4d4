package pgxmetrics

import (
	"database/sql"
	"database/sql/driver"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/truecount/truecount/instrument/database"
)

// WatchPool exposes the state of a pool until stop is called, which belongs beside the pool's Close.
func WatchPool(pool *pgxpool.Pool, h *database.Handle) (stop func()) {
	return h.WatchPool(func() database.PoolState { return stateOf(pool.Stat()) })
}

func stateOf(s *pgxpool.Stat) database.PoolState {
	return database.PoolState{
		MaxConnections: int(s.MaxConns()),
		Idle:           int(s.IdleConns()),
		// As in database/sql, a connection that is being opened is in use.
		InUse:             int(s.AcquiredConns() + s.ConstructingConns()),
		Waits:             s.EmptyAcquireCount(),
		WaitTime:          s.EmptyAcquireWaitTime(),
		ClosedMaxIdleTime: s.MaxIdleDestroyCount(),
		ClosedMaxLifetime: s.MaxLifetimeDestroyCount(),
	}
}

// OpenDB opens a database through pgx's package stdlib and counts on h what is asked of it, and the state of its pool
// until it is closed. [database/sql.Conn.Raw] hands over pgx's own *stdlib.Conn.
func OpenDB(config pgx.ConnConfig, h *database.Handle, options ...stdlib.OptionOpenDB) *sql.DB {
	Trace(&config, h)
	c := &connector{Connector: stdlib.GetConnector(config, options...)}
	db := sql.OpenDB(c)
	c.stop = h.WatchDB(db)
	return db
}

// connector ends the watch when the database is closed.
type connector struct {
	driver.Connector
	stop func()
}

// Close is called by [sql.DB.Close].
func (c *connector) Close() error {
	c.stop()
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
