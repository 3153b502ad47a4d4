package servicewindow

import (
	"log/slog"
	"net"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/service"
)

const (
	defaultPort     = "8003"
	defaultDatabase = "servicewindow.db"
)

// Options for New and Run. Database is needed.
type Options struct {
	service.Environment
	// Database is where the components are kept.
	Database database.Address
	// Logger gets a few lines on start and stop and the database's faults. Default: nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// OnReady is told the address when requests are answered.
	OnReady func(net.Addr)
}

// OptionsFromEnv reads the options that the environment gives. Its errors never contain a password.
func OptionsFromEnv(getenv func(string) string) (opts Options, err error) {
	if opts.Environment, err = service.Read(getenv, defaultPort); err != nil {
		return opts, err
	}
	opts.Database, err = database.FromEnv(getenv, defaultDatabase)
	return opts, err
}

const about = `servicewindow: components and the times at which they are in service.

  LISTEN_ADDRESS       IP address to listen on (127.0.0.1; in a container 0.0.0.0)
  PORT                 port to listen on (8003; 0: any free one)
  WEB_CONCURRENCY      number of worker processes (1)
  METRICS_START_PORT   each worker serves /metrics on the first free port from here (unset: /metrics on PORT)
  METRICS_ADDRESS      IP address of those (127.0.0.1; in a container 0.0.0.0)
  LOG_LEVEL            the lowest level that is logged: debug, info, warn or error (info)
  DATABASE_URL         postgres://user:password@host:port/name, or the path of a SQLite file (servicewindow.db)
  DB_NAME, DB_USER, DB_PASSWORD, DB_HOST, DB_PORT (5432)
                       PostgreSQL, instead of DATABASE_URL
`
