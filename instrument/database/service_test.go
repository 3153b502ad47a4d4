package database_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// exposition is what a registry exposes: series, as name{label="value"}, and their values; of histograms the count and sum.
type exposition map[string]float64

func expose(t testing.TB, reg prometheus.Gatherer) exposition {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	e := exposition{}
	for _, family := range families {
		if !strings.Contains(family.GetName(), "db_") {
			continue
		}
		for _, metric := range family.Metric {
			var labels []string
			for _, l := range metric.Label {
				if l.GetName() != "alias" && l.GetName() != "vendor" || l.GetValue() != "default" && l.GetValue() != "postgresql" {
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
			}
			series := family.GetName() + "{" + strings.Join(labels, ",") + "}"
			e.add(strings.TrimSuffix(series, "{}"), metric)
		}
	}
	return e
}

func (e exposition) add(series string, metric *dto.Metric) {
	switch {
	case metric.Counter != nil:
		e[series] = metric.Counter.GetValue()
	case metric.Gauge != nil:
		e[series] = metric.Gauge.GetValue()
	case metric.Histogram != nil:
		e[series+" count"] = float64(metric.Histogram.GetSampleCount())
		e[series+" sum"] = metric.Histogram.GetSampleSum()
	}
}

// service is a program with one measured database.
type service struct {
	*prometheus.Registry
	metrics *database.Metrics
	memory  *memory
	db      *sql.DB
}

func serve(t testing.TB, names instrument.Names, opts database.Options) service {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Names: names})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := database.New(m, opts)
	if err != nil {
		t.Fatal(err)
	}
	memory := &memory{sets: sets{everything, stmtSets["no interface"], rowsSetsOf["all"]}}
	db := metrics.Handle("default", database.PostgreSQL).OpenDB(memory)
	t.Cleanup(func() { db.Close() })
	return service{reg, metrics, memory, db}
}

// changed returns the series that do changes, with their differences.
func (s service) changed(t testing.TB, do func()) exposition {
	t.Helper()
	before := expose(t, s)
	do()
	after := expose(t, s)
	diff := exposition{}
	for series, value := range after {
		if value != before[series] && !strings.HasPrefix(series, "db_pool_") && !strings.HasSuffix(series, " sum") {
			diff[series] = value - before[series]
		}
	}
	return diff
}

// once returns what one execution changes, and more.
func once(more ...string) exposition {
	e := exposition{"db_executions_total": 1, "db_query_duration_seconds count": 1}
	for _, series := range more {
		e[series]++
	}
	return e
}

var registered atomic.Int64

// register gives a driver a name that it alone has: database/sql forgets none, and tests run more than once.
func register(d driver.Driver) string {
	name := fmt.Sprintf("test %d", registered.Add(1))
	sql.Register(name, d)
	return name
}
