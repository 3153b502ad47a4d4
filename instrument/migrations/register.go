package migrations

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// A Func asks one database how many migrations are applied and how many are not. It is called at each scrape, from any
// goroutine, and should return when ctx is done; it must not write to the database.
type Func func(ctx context.Context) (applied, unapplied int, err error)

// Register exposes what count says of one connection, "default" or the name of a database, at each scrape. Several
// connections are registered one by one.
//
// A count that fails or is negative exposes no value at that scrape, and instrument_collector_success 0 for the
// collector migrations_CONNECTION. Register itself asks nothing. It fails if the connection is registered already.
func Register(m *instrument.Metrics, connection string, count Func) error {
	switch {
	case m == nil:
		return errors.New("migrations: no metrics given: make them with instrument.New")
	case connection == "":
		return errors.New("migrations: the name of the connection is empty: \"default\" is usual for the only one")
	case !utf8.ValidString(connection):
		return fmt.Errorf("migrations: the name of connection %q is not valid UTF-8", connection)
	case count == nil:
		return fmt.Errorf("migrations: connection %q has no function that counts its migrations", connection)
	}
	g := newGauges(m, connection)
	collect := func(ctx context.Context, ch chan<- prometheus.Metric) error { return g.collect(ctx, ch, count) }
	if err := m.RegisterFunc("migrations_"+connection, collect, g.applied, g.unapplied); err != nil {
		return fmt.Errorf("migrations: connection %q: %w", connection, err)
	}
	return nil
}

// gauges are the two of one connection, whose name is a constant label so that each connection can be a collector of
// its own: one that hangs then leaves the others alone.
type gauges struct{ applied, unapplied *prometheus.Desc }

func newGauges(m *instrument.Metrics, connection string) gauges {
	label := prometheus.Labels{"connection": connection}
	return gauges{
		applied: prometheus.NewDesc(m.Name("migrations_applied", "django_migrations_applied_total"),
			"Migrations of the database that are applied, by connection.", nil, label),
		unapplied: prometheus.NewDesc(m.Name("migrations_unapplied", "django_migrations_unapplied_total"),
			"Migrations that the program knows and the database lacks, by connection.", nil, label),
	}
}

func (g gauges) collect(ctx context.Context, ch chan<- prometheus.Metric, count Func) error {
	applied, unapplied, err := count(ctx)
	if err != nil {
		return err
	}
	if applied < 0 || unapplied < 0 {
		return fmt.Errorf("%d applied and %d unapplied migrations can't be", applied, unapplied)
	}
	// Both or none: a partial answer would look like a database that has lost its migrations.
	for _, gauge := range []struct {
		desc  *prometheus.Desc
		value int
	}{{g.applied, applied}, {g.unapplied, unapplied}} {
		metric, err := prometheus.NewConstMetric(gauge.desc, prometheus.GaugeValue, float64(gauge.value))
		if err != nil {
			return err
		}
		ch <- metric
	}
	return nil
}
