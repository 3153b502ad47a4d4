package instrument_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsOfAnIntegrationAreDeclaredTogetherOrNotAtAll(t *testing.T) {
	m, reg := newMetrics(t)
	counter := func(name string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: "C."})
	}
	if err := m.Declare(counter("a_total"), counter("b_total")); err != nil {
		t.Fatal(err)
	}
	err := m.Declare(counter("c_total"), counter("d_total"), counter("b_total"))
	if err == nil || !strings.Contains(err.Error(), `metric "b_total" is already registered`) {
		t.Errorf("got %v", err)
	}
	for name, want := range map[string]int{"a_total": 1, "b_total": 1, "c_total": 0, "d_total": 0} {
		if n, err := testutil.GatherAndCount(reg, name); n != want || err != nil {
			t.Errorf("%s: %d series, %v", name, n, err)
		}
	}
	if strings.Contains(exposition(t, m), "collector=") {
		t.Error("declared metrics are guarded as a collector")
	}
}

func TestAnIntegrationLogsWhereTheServiceDoes(t *testing.T) {
	m, _ := newMetrics(t)
	m.Logger().Info("nobody reads this") // no logger was given, and nothing fails
	m = nil
	m.Logger().Info("nor this") // what may be left out of the options of an integration
}
