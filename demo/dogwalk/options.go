package dogwalk

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/service"
)

const (
	defaultPort     = "8001"
	defaultDatabase = "dogwalk.db"
	// maxDistance is farther than any dog walks, in metres.
	maxDistance = 100_000
)

// Options for New and Run. Database is needed.
type Options struct {
	service.Environment
	// Database is where walkers, dogs and walks are kept.
	Database database.Address
	// Bounds of what is fine.
	Bounds Bounds
	// MetricsWebConfig is the web configuration file that says who may read the metrics. Default: anybody may.
	MetricsWebConfig string
	// Logger gets a few lines on start and stop and the database's faults. Default: nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// OnReady is told the address when requests are answered.
	OnReady func(net.Addr)
}

// Bounds are what only the business knows: outside of them something is wrong although nothing fails.
type Bounds struct {
	// Shortest and Longest are the band of the average walk distance, in metres. Default 200 and 2000.
	Shortest, Longest int
	// MaxAge is how long ago the newest walk may have started. Default 5 minutes.
	MaxAge time.Duration
}

var defaultBounds = Bounds{Shortest: 200, Longest: 2000, MaxAge: 5 * time.Minute}

// OptionsFromEnv reads the options that the environment gives. Its errors never contain a password.
func OptionsFromEnv(getenv func(string) string) (Options, error) {
	var opts Options
	var err error
	if opts.Environment, err = service.Read(getenv, defaultPort); err != nil {
		return opts, err
	}
	if opts.Database, err = database.FromEnv(getenv, defaultDatabase); err != nil {
		return opts, err
	}
	if getenv("TRUECOUNT_METRICS_DIR") == "" { // a unix socket is for programs of this user alone, and needs no password
		opts.MetricsWebConfig = getenv("METRICS_WEB_CONFIG")
	}
	opts.Bounds, err = bounds(getenv)
	return opts, err
}

func bounds(getenv func(string) string) (b Bounds, err error) {
	if b.Shortest, err = service.Whole(getenv, "WALK_DISTANCE_MIN", defaultBounds.Shortest, 0, maxDistance); err != nil {
		return b, err
	}
	if b.Longest, err = service.Whole(getenv, "WALK_DISTANCE_MAX", defaultBounds.Longest, 1, maxDistance); err != nil {
		return b, err
	}
	if b.Shortest >= b.Longest {
		return b, fmt.Errorf("WALK_DISTANCE_MIN is %d and WALK_DISTANCE_MAX is %d: the first must be smaller", b.Shortest, b.Longest)
	}
	b.MaxAge, err = service.Span(getenv, "LAST_WALK_MAX_AGE", defaultBounds.MaxAge)
	return b, err
}

const about = `dogwalk: walkers, dogs and walks.

  LISTEN_ADDRESS       IP address to listen on (127.0.0.1; in a container 0.0.0.0)
  PORT                 port to listen on (8001; 0: any free one)
  WEB_CONCURRENCY      number of worker processes (1)
  METRICS_START_PORT   each worker serves /metrics on the first free port from here (unset: /metrics on PORT)
  METRICS_ADDRESS      IP address of those (127.0.0.1; in a container 0.0.0.0)
  METRICS_WEB_CONFIG   Prometheus' web configuration file with the users who may read /metrics and the hashes of their
                       passwords (unset: anybody may); not asked for on the unix sockets of truecount
  LOG_LEVEL            the lowest level of the log, which is lines of JSON: debug, info, warn or error (info)
  DATABASE_URL         postgres://user:password@host:port/name, or the path of a SQLite file (dogwalk.db)
  DB_NAME, DB_USER, DB_PASSWORD, DB_HOST, DB_PORT (5432)
                       PostgreSQL, instead of DATABASE_URL
  WALK_DISTANCE_MIN, WALK_DISTANCE_MAX
                       the band of the average walk distance, in metres (200, 2000)
  LAST_WALK_MAX_AGE    how old the newest walk may get (5m)
`
