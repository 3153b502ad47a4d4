// Package goosemetrics counts the migrations that goose applied to a database and those that it didn't, for package
// migrations:
//
//	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
//	…
//	status, err := goosemetrics.Status(provider, goosemetrics.Options{DB: db, Dialect: goose.DialectPostgres})
//	…
//	err = migrations.Register(m, "default", status)
//
// It only reads. Goose's own Status creates its table of versions where there is none, waits for goose's lock, and for
// a migration that the same provider is running; a scrape must do none of that. A database without the table has no
// migration applied.
//
// A program that uses goose's functions without a provider (goose.Up) makes one for this: NewProvider reads the
// migrations' names, and does not touch the database.
package goosemetrics
