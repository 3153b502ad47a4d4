package pgxmetrics_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// service is a program with one database.
type service struct {
	*prometheus.Registry
	handle *database.Handle
}

func serve(t testing.TB) service {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := database.New(m, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return service{reg, metrics.Handle("default", database.PostgreSQL)}
}

// counts are series by name, with the labels other than alias and vendor, and their values.
type counts map[string]float64

func (s service) counts(t testing.TB) counts {
	t.Helper()
	families, err := s.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := counts{}
	for _, family := range families {
		name, ours := strings.CutPrefix(family.GetName(), "db_")
		if !ours {
			continue
		}
		for _, metric := range family.Metric {
			name := name
			for _, label := range metric.Label {
				if label.GetName() != "alias" && label.GetName() != "vendor" {
					name += " " + label.GetValue()
				}
			}
			all[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() +
				float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// expect compares what do changes, but for the pool's state.
func (s service) expect(t *testing.T, want counts, do func()) {
	t.Helper()
	before := s.counts(t)
	do()
	got := counts{}
	for name, value := range s.counts(t) {
		if value != before[name] && !strings.HasPrefix(name, "pool_") {
			got[name] = value - before[name]
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v\n    want %v", got, want)
	}
}

func once(more ...string) counts {
	c := counts{"executions_total": 1, "query_duration_seconds": 1}
	for _, name := range more {
		c[name]++
	}
	return c
}
