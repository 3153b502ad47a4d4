package store

import (
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/goosemetrics"
	"github.com/truecount/truecount/instrument/contrib/gormmetrics"
	dbmetrics "github.com/truecount/truecount/instrument/database"
	"github.com/truecount/truecount/instrument/migrations"
)

// alias is this application's name for its one database, in metrics.
const alias = "default"

// connect makes the pool, which counts its connections, their statements and errors.
func (s *Store) connect(m *instrument.Metrics, address database.Address, connector driver.Connector) error {
	metrics, err := dbmetrics.New(m, dbmetrics.Options{})
	if err != nil {
		return err
	}
	s.pool = metrics.Handle(alias, address.Vendor()).OpenDB(connector)
	s.pool.SetMaxOpenConns(4)
	s.pool.SetConnMaxIdleTime(time.Minute)

	// Migrations and scrapes don't count as the application's, and a scrape doesn't wait until a request gives back a connection.
	s.aside = sql.OpenDB(connector)
	s.aside.SetMaxOpenConns(2) // a migration, and the lock around it
	s.aside.SetConnMaxIdleTime(time.Minute)
	return nil
}

// measure counts the rows that GORM writes, by model, and the migrations that the database has and lacks.
func (s *Store) measure(m *instrument.Metrics, vendor string) error {
	models, err := gormmetrics.New(m, gormmetrics.Options{Models: []any{&Walker{}, &Dog{}, &Walk{}, &closing{}}})
	if err != nil {
		return err
	}
	if err := s.db.Use(models); err != nil {
		return err
	}
	status, err := goosemetrics.Status(s.migrations, goosemetrics.Options{DB: s.aside, Dialect: gooseDialect(vendor)})
	if err != nil {
		return err
	}
	return migrations.Register(m, alias, status)
}
