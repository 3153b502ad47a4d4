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

// A Store is the open database. It is safe for concurrent use.
type Store struct {
	db         *gorm.DB
	pool       *sql.DB // under db
	aside      *sql.DB // what migrations and scrapes ask
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

func (o Options) withDefaults() (_ Options, err error) {
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics, err = instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	}
	return o, err
}

// Open connects, brings the tables up to date and fills an empty database with a few dogs and walkers. Any number of
// processes may do so at the same time.
func Open(ctx context.Context, opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	connector, err := opts.Address.Connector()
	if err != nil {
		return nil, err
	}
	s := &Store{now: opts.Now}
	if err := s.connect(opts.Metrics, opts.Address, connector); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) begin(ctx context.Context, opts Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, opts.Patience)
	defer cancel()
	if err := database.Wait(ctx, s.pool, opts.Address, opts.Patience, opts.Logger); err != nil {
		return err
	}
	if s.migrations, err = newMigrations(s.aside, opts.Address.Vendor()); err != nil {
		return err
	}
	if err := migrate(ctx, s.aside, opts.Address, s.migrations); err != nil {
		return fmt.Errorf("%s: %w", opts.Address, err)
	}
	if s.db, err = s.models(opts.Address.Vendor()); err != nil {
		return err
	}
	return s.measure(opts.Metrics, opts.Address.Vendor())
}

// models opens GORM over the pool.
func (s *Store) models(vendor string) (*gorm.DB, error) {
	var dialector gorm.Dialector = sqliteDialector{s.pool}
	if vendor == dbmetrics.PostgreSQL {
		dialector = postgres.New(postgres.Config{Conn: s.pool})
	}
	return gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true, // each change here is one statement
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // errors are returned, and logged where they are answered
	})
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.pool.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// Close ends all connections.
func (s *Store) Close() error { return errors.Join(s.pool.Close(), s.aside.Close()) }
