package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/instrument"
	dbmetrics "github.com/truecount/truecount/instrument/database"
)

// alias is this application's name for its one database, in metrics.
const alias = "default"

// A Store is the open database. It is safe for concurrent use.
type Store struct {
	pool       *sql.DB
	db         *gorm.DB
	migrations *goose.Provider
	now        func() time.Time
}

// Options for Open. Address is needed.
type Options struct {
	Address database.Address
	// Patience is how long Open waits for a database that does not answer yet. Default 30 s.
	Patience time.Duration
	// Now is the clock of start and end times. Default time.Now.
	Now func() time.Time
	// Metrics count what is asked of the database. Default: metrics that nobody sees.
	Metrics *instrument.Metrics
	// Logger says that Open is waiting. Default: nothing.
	Logger *slog.Logger
}

// Open connects, brings the tables up to date and fills an empty database with a few dogs and walkers. Any number of
// processes may do so at the same time.
func Open(ctx context.Context, opts Options) (*Store, error) {
	if opts.Patience == 0 {
		opts.Patience = 30 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Metrics == nil {
		var err error
		if opts.Metrics, err = instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true}); err != nil {
			return nil, err
		}
	}
	pool, err := openPool(opts.Metrics, opts.Address)
	if err != nil {
		return nil, err
	}
	s := &Store{pool: pool, now: opts.Now}
	if err := s.begin(ctx, opts); err != nil {
		return nil, errors.Join(err, s.pool.Close())
	}
	return s, nil
}

// openPool counts the connections, their statements and their errors.
func openPool(m *instrument.Metrics, address database.Address) (*sql.DB, error) {
	connector, err := address.Connector()
	if err != nil {
		return nil, err
	}
	metrics, err := dbmetrics.New(m, dbmetrics.Options{})
	if err != nil {
		return nil, err
	}
	pool := metrics.Handle(alias, address.Vendor()).OpenDB(connector)
	pool.SetMaxOpenConns(4)
	pool.SetConnMaxIdleTime(time.Minute)
	return pool, nil
}

func (s *Store) begin(ctx context.Context, opts Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, opts.Patience)
	defer cancel()
	if err := database.Wait(ctx, s.pool, opts.Address, opts.Patience, opts.Logger); err != nil {
		return err
	}
	if s.migrations, err = newMigrations(s.pool, opts.Address.Vendor()); err != nil {
		return err
	}
	if err := migrate(ctx, s.pool, opts.Address, s.migrations); err != nil {
		return fmt.Errorf("%s: %w", opts.Address, err)
	}
	s.db, err = gorm.Open(s.dialector(opts.Address), &gorm.Config{
		SkipDefaultTransaction: true, // each change here is one statement
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // errors are returned, and logged where they are answered
	})
	return err
}

func (s *Store) dialector(address database.Address) gorm.Dialector {
	if address.Vendor() == "postgresql" {
		return postgres.New(postgres.Config{Conn: s.pool})
	}
	return sqliteDialector{s.pool}
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.pool.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// Close ends all connections.
func (s *Store) Close() error { return s.pool.Close() }
