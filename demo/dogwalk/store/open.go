package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"time"
)

//go:embed schema
var schema embed.FS

// A Store is the open database. It is safe for concurrent use.
type Store struct {
	db      *sql.DB
	dialect dialect
	now     func() time.Time
}

// Options for Open. Address is needed.
type Options struct {
	Address Address
	// Patience is how long Open waits for a database that does not answer yet. Default 30 s.
	Patience time.Duration
	// Now is the clock of start and end times. Default time.Now.
	Now func() time.Time
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
	if err := checkFolder(opts.Address.path); err != nil {
		return nil, err
	}
	db, dialect, err := opts.Address.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.Address, err)
	}
	s := &Store{db: db, dialect: dialect, now: opts.Now}
	if err := s.begin(ctx, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", opts.Address, err), db.Close())
	}
	return s, nil
}

// checkFolder says it in words when the folder for SQLite's file is missing: the driver only has a number for it.
func checkFolder(file string) error {
	if file == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("the folder for the database: %w", err)
	}
	return nil
}

func (s *Store) begin(ctx context.Context, opts Options) error {
	ctx, cancel := context.WithTimeout(ctx, opts.Patience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := s.dialect.prepare(ctx, s.db)
		if err == nil {
			return s.migrate(ctx)
		}
		if s.dialect.hopeless(err) {
			return err
		}
		opts.Logger.Info("waiting for the database", "database", opts.Address.String(), "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// migrate applies what is missing, in one transaction that excludes everybody else's.
func (s *Store) migrate(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil) // for SQLite this is BEGIN IMMEDIATE: the lock
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if s.dialect.lock != "" {
		if _, err := tx.ExecContext(ctx, s.dialect.lock); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"); err != nil {
		return err
	}
	var version int
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM schema_version").Scan(&version); err != nil {
		return err
	}
	files, err := fs.ReadDir(schema, s.dialect.schema)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("the tables are of version %d, this program knows version %d: run a newer one", version, len(files))
	}
	for i := version; i < len(files); i++ {
		if err := apply(ctx, tx, path.Join(s.dialect.schema, files[i].Name()), i+1); err != nil {
			return err
		}
	}
	if err := seed(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func apply(ctx context.Context, tx *sql.Tx, file string, version int) error {
	statements, err := schema.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO schema_version (version) VALUES ($1)", version)
	return err
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }
