package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/truecount/truecount/demo/database"
	dbmetrics "github.com/truecount/truecount/instrument/database"
)

//go:embed schema
var schemas embed.FS

// newMigrations lists what makes the tables of one kind of database: its SQL files, and then the first inhabitants.
func newMigrations(db *sql.DB, vendor string) (*goose.Provider, error) {
	files, err := fs.Sub(schemas, "schema/"+vendor)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(gooseDialect(vendor), db, files,
		goose.WithGoMigrations(goose.NewGoMigration(2, &goose.GoFunc{RunTx: seed}, nil)),
		goose.WithDisableGlobalRegistry(true),
	)
}

func gooseDialect(vendor string) goose.Dialect {
	if vendor == dbmetrics.PostgreSQL {
		return goose.DialectPostgres
	}
	return goose.DialectSQLite3
}

// migrate applies what is missing. Several processes may do so at the same time: all but one wait.
//
// The lock is taken here and not by goose, which would make its table of versions before it locks, and would lock also
// to tell a scrape which versions are applied.
func migrate(ctx context.Context, db *sql.DB, address database.Address, migrations *goose.Provider) (err error) {
	unlock, err := address.Lock(ctx, db)
	if err != nil {
		return fmt.Errorf("waiting for another process that makes the tables: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	current, target, err := migrations.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return fmt.Errorf("the tables are of version %d, this program knows version %d: run a newer one", current, target)
	}
	_, err = migrations.Up(ctx)
	return err
}
