package goosemetrics

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/truecount/truecount/instrument/migrations"
)

// Options say where goose keeps its versions: what was given to goose.NewProvider. DB is needed, and either Dialect or
// Store.
type Options struct {
	// DB is the database, the provider's or another pool for it. Required.
	DB *sql.DB
	// Dialect is the database's.
	Dialect goose.Dialect
	// Table is what goose.WithTableName was given. Default: goose_db_version.
	Table string
	// Store is what goose.WithStore was given, in place of Dialect and Table.
	Store database.Store
}

// Status returns the function that counts a provider's migrations at a scrape.
//
// Applied are those that the database's table says are applied, also if this program doesn't know them: while a
// release is rolled out old workers and new ones say the same. Unapplied are those of the provider that the table
// lacks, or says were taken back.
//
// Whether the table exists is asked first on PostgreSQL, SQLite, MySQL and Aurora DSQL. On others, and with a Store
// that has no TableExists, it is an error until goose has created it.
func Status(provider *goose.Provider, opts Options) (migrations.Func, error) {
	if provider == nil || opts.DB == nil {
		return nil, errors.New("goosemetrics: a provider and Options.DB are needed")
	}
	if (opts.Store == nil) == (opts.Dialect == "") {
		return nil, errors.New("goosemetrics: set either Options.Dialect or Options.Store, as in goose.NewProvider")
	}
	r := &reader{db: opts.DB, dialect: opts.Dialect, store: opts.Store}
	if r.store == nil {
		var err error
		if r.store, err = database.NewStore(opts.Dialect, cmp.Or(opts.Table, goose.DefaultTablename)); err != nil {
			return nil, fmt.Errorf("goosemetrics: %w", err)
		}
	}
	for _, source := range provider.ListSources() {
		r.versions = append(r.versions, source.Version)
	}
	return r.count, nil
}

// reader reads goose's table of versions.
type reader struct {
	db       *sql.DB
	dialect  goose.Dialect
	store    database.Store
	versions []int64 // those that the program knows
}

func (r *reader) count(ctx context.Context) (applied, unapplied int, err error) {
	// One connection for both questions: they are answered by one server.
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading goose's versions: %w", err)
	}
	defer func() { _ = conn.Close() }()
	exists, err := r.tableExists(ctx, conn)
	if err != nil {
		return 0, 0, fmt.Errorf("looking for goose's table of versions: %w", err)
	}
	if !exists {
		return 0, len(r.versions), nil
	}
	records, err := r.store.ListMigrations(ctx, conn)
	if err != nil {
		return 0, 0, fmt.Errorf("reading goose's versions: %w", err)
	}
	isApplied := newest(records)
	for _, yes := range isApplied {
		if yes {
			applied++
		}
	}
	for _, version := range r.versions {
		if !isApplied[version] {
			unapplied++
		}
	}
	return applied, unapplied, nil
}

// newest says of each version what its newest record does; goose lists them newest first. Old releases of goose
// recorded what they took back, new ones delete the record. Version 0 is the table's own.
func newest(records []*database.ListMigrationsResult) map[int64]bool {
	applied := make(map[int64]bool, len(records))
	for _, record := range records {
		if _, known := applied[record.Version]; !known && record.Version != 0 {
			applied[record.Version] = record.IsApplied
		}
	}
	return applied
}

func (r *reader) tableExists(ctx context.Context, conn *sql.Conn) (bool, error) {
	if r.dialect == goose.DialectSQLite3 {
		const query = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)"
		var exists bool
		err := conn.QueryRowContext(ctx, query, r.store.Tablename()).Scan(&exists)
		return exists, err
	}
	store, ok := r.store.(interface {
		TableExists(ctx context.Context, db database.DBTxConn) (bool, error)
	})
	if !ok {
		return true, nil
	}
	exists, err := store.TableExists(ctx, conn)
	if errors.Is(err, errors.ErrUnsupported) {
		return true, nil
	}
	return exists, err
}
