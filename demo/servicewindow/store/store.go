package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/truecount/truecount/demo/database"
)

//go:embed schema
var schema embed.FS

// MaxComponents bounds how many components are read: more are an error, and more cannot be added.
const MaxComponents = 500

// A Store is the table of components. It is safe for concurrent use.
type Store struct {
	address database.Address
	db      *sql.DB
	ready   atomic.Bool
}

// New makes the store without asking the database, which may not have started yet: see [Store.Prepare].
func New(address database.Address) (*Store, error) {
	connector, err := address.Connector()
	if err != nil {
		return nil, err
	}
	s := &Store{address: address, db: sql.OpenDB(connector)}
	s.db.SetMaxOpenConns(4)
	s.db.SetConnMaxIdleTime(time.Minute)
	return s, nil
}

// Prepare asks the database once whether it answers, makes the table if it is missing, with a few components, and lets the
// other methods work from then on. Any number of processes may do so at the same time.
func (s *Store) Prepare(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	if err := s.address.Prepare(ctx, s.db); err != nil {
		return fmt.Errorf("%s: %w", s.address, err)
	}
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.address, err)
	}
	s.ready.Store(true)
	return nil
}

// migrate makes the tables, in one transaction.
func (s *Store) migrate(ctx context.Context) (err error) {
	unlock, err := s.address.Lock(ctx, s.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"); err != nil {
		return err
	}
	var version int
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM schema_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case 0:
		if err := s.create(ctx, tx); err != nil {
			return err
		}
	case 1:
	default:
		return fmt.Errorf("the tables are of version %d, this program knows version 1: run a newer one", version)
	}
	return tx.Commit()
}

func (s *Store) create(ctx context.Context, tx *sql.Tx) error {
	statements, err := schema.ReadFile("schema/" + s.address.Vendor() + ".sql")
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO schema_version (version) VALUES (1)"); err != nil {
		return err
	}
	for _, c := range seeds() {
		if _, err := insert(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// Components lists all components by name. Those with a Problem are among them.
func (s *Store) Components(ctx context.Context) ([]Component, error) {
	if !s.ready.Load() {
		return nil, ErrNotReady
	}
	rows, err := s.db.QueryContext(ctx, `SELECT id, name, labels, weekdays, start_time, duration_minutes, time_zone
		FROM components ORDER BY name LIMIT $1`, MaxComponents+1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Component
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.name, &r.labels, &r.weekdays, &r.start, &r.minutes, &r.zone); err != nil {
			return nil, err
		}
		all = append(all, r.component())
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(all) > MaxComponents {
		return all[:MaxComponents], fmt.Errorf("more than %d components: the last ones by name are left out", MaxComponents)
	}
	return all, nil
}

// Add adds a component, whose window must be valid, and returns its id.
func (s *Store) Add(ctx context.Context, c Component) (id int64, err error) {
	if !s.ready.Load() {
		return 0, ErrNotReady
	}
	var n int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM components").Scan(&n); err != nil {
		return 0, err
	}
	if n >= MaxComponents {
		return 0, ErrFull
	}
	id, err = insert(ctx, s.db, c)
	if isTaken(err) {
		return 0, ErrTaken
	}
	return id, err
}

// Delete deletes a component.
func (s *Store) Delete(ctx context.Context, id int64) error {
	if !s.ready.Load() {
		return ErrNotReady
	}
	result, err := s.db.ExecContext(ctx, "DELETE FROM components WHERE id = $1", id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNotFound)
	}
	return nil
}

// Ping reports whether the database answers and has its table.
func (s *Store) Ping(ctx context.Context) error {
	if !s.ready.Load() {
		return ErrNotReady
	}
	var n int
	return s.db.QueryRowContext(ctx, "SELECT count(*) FROM components").Scan(&n)
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func insert(ctx context.Context, to querier, c Component) (id int64, err error) {
	labels := c.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	text, err := json.Marshal(labels)
	if err != nil {
		return 0, err
	}
	err = to.QueryRowContext(ctx, `INSERT INTO components (name, labels, weekdays, start_time, duration_minutes, time_zone)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		c.Name, string(text), c.Window.Days.String(), c.Window.Start.String(), int(c.Window.Length.Minutes()), c.Window.Zone.String()).Scan(&id)
	return id, err
}

// isTaken reports whether err says that a row of that name exists.
func isTaken(err error) bool {
	const uniqueViolation = "23505" // PostgreSQL, appendix A
	var theirs *pgconn.PgError
	var lite *sqlite.Error
	return errors.As(err, &theirs) && theirs.Code == uniqueViolation ||
		errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}
