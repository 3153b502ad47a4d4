package instrument_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
)

func has(text, line string) bool { return strings.Contains("\n"+text, "\n"+line+"\n") }

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !has(text, line) {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestL2WhatIsOverTheBudgetIsCountedInAnOverflowSeries(t *testing.T) {
	var logged logBuffer
	m, reg := newMetrics(t, func(o *instrument.Options) { o.MaxSeriesPerMetric = 10; o.Logger = logged.logger() })
	clicks := m.CounterVec(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."}, []string{"user", "page"})
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, exposition(t, m), `instrument_series_overflowed_total{metric="clicks_total"} 0`)
	for i := range 10 {
		clicks.WithLabelValues(fmt.Sprint(i), "start").Inc()
	}
	if strings.Contains(exposition(t, m), "overflow\"") || logged.String() != "" {
		t.Error("as many series as there may be overflow already")
	}
	for i := range 1000 {
		clicks.WithLabelValues(fmt.Sprint("attacker", i), "start").Inc()
		clicks.WithLabelValues(fmt.Sprint(i%10), "start").Inc()
	}
	if n, err := testutil.GatherAndCount(reg, "clicks_total"); n != 11 || err != nil {
		t.Errorf("%d series, %v", n, err)
	}
	wantLines(t, exposition(t, m),
		`clicks_total{page="overflow",user="overflow"} 1000`,
		`clicks_total{page="start",user="0"} 101`, // existing series keep counting
		`clicks_total{page="start",user="9"} 101`,
		`instrument_series_overflowed_total{metric="clicks_total"} 1000`)
	if n := strings.Count(logged.String(), "too many series"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, logged.String())
	}
	if !strings.Contains(logged.String(), "clicks_total") || !strings.Contains(logged.String(), "limit=10") {
		t.Errorf("the log does not say which metric has too many: %s", logged.String())
	}
}

func TestL2ManySeriesAtOnceAreCountedExactlyAndOnlyUpToTheBudget(t *testing.T) {
	m, reg := newMetrics(t, func(o *instrument.Options) { o.MaxSeriesPerMetric = 500 })
	events := m.CounterVec(prometheus.CounterOpts{Name: "events_total", Help: "Events."}, []string{"kind"})
	const workers, each = 8, 4000
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				events.WithLabelValues(fmt.Sprint((i*7 + w) % 1000)).Inc()
			}
		})
	}
	wg.Wait()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "events_total" {
			continue
		}
		sum := 0.0
		for _, metric := range f.Metric {
			sum += metric.Counter.GetValue()
		}
		if len(f.Metric) != 501 || sum != workers*each {
			t.Errorf("%d series that sum up to %v, want 501 and %d", len(f.Metric), sum, workers*each)
		}
	}
}

func TestL2MemoryStaysFlatWhateverTheLabelValues(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) { o.MaxSeriesPerMetric = 100 })
	sizes := m.HistogramVec(prometheus.HistogramOpts{Name: "sizes", Help: "Sizes."}, []string{"agent"})
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	observe := func(n int) {
		for i := range n {
			sizes.WithLabelValues(fmt.Sprintf("\xff%d%s", i, strings.Repeat("x", 4000))).Observe(1)
		}
	}
	observe(1000)
	before := heap()
	observe(50_000) // 200 MB of values
	if after := heap(); after > before+4<<20 {
		t.Errorf("%d kB more after 50,000 further values", (after-before)>>10)
	}
	runtime.KeepAlive(m)
}

func TestEachMetricMayHaveABudgetOfItsOwn(t *testing.T) {
	m, reg := newMetrics(t, func(o *instrument.Options) { o.MaxSeriesPerMetric = 2 })
	small := m.CounterVec(prometheus.CounterOpts{Name: "small_total", Help: "Small."}, []string{"l"})
	large := m.GaugeVec(prometheus.GaugeOpts{Name: "large", Help: "Large."}, []string{"l"}).Limit(50)
	preset := m.HistogramVec(prometheus.HistogramOpts{Name: "preset", Help: "Preset."}, []string{"l"}, []string{"a"}, []string{"b"}, []string{"c"})
	for i := range 50 {
		small.WithLabelValues(fmt.Sprint(i)).Inc()
		large.WithLabelValues(fmt.Sprint(i)).Set(1)
	}
	preset.WithLabelValues("c").Observe(1) // declared beyond the budget: meant
	preset.WithLabelValues("d").Observe(1)
	for name, want := range map[string]int{"small_total": 3, "large": 50, "preset": 4} {
		if n, err := testutil.GatherAndCount(reg, name); n != want || err != nil {
			t.Errorf("%s: %d series, %v, want %d", name, n, err, want)
		}
	}
}

func TestASeriesThatIsDeletedMakesRoomForAnother(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) { o.MaxSeriesPerMetric = 2 })
	dogs := m.GaugeVec(prometheus.GaugeOpts{Name: "dogs", Help: "Dogs."}, []string{"kennel", "size"})
	dogs.WithLabelValues("north", "xs").Set(1)
	dogs.WithLabelValues("south", "xs").Set(2)
	dogs.WithLabelValues("east", "xs").Set(3)
	if !dogs.Delete("north", "xs") {
		t.Error("a series that is there was not deleted")
	}
	if dogs.Delete("north", "xs") || dogs.Delete("west", "xs") || dogs.Delete("xs") || dogs.Delete("overflow", "overflow") {
		t.Error("something that is not there was deleted")
	}
	dogs.WithLabelValues("west", "xs").Set(4)
	text := exposition(t, m)
	wantLines(t, text, `dogs{kennel="south",size="xs"} 2`, `dogs{kennel="west",size="xs"} 4`, `dogs{kennel="overflow",size="overflow"} 3`)
	if strings.Contains(text, "north") {
		t.Error("a deleted series is exposed")
	}
}

func TestLabelsThatAMetricDoesNotHaveAreNoPanic(t *testing.T) {
	var logged logBuffer
	m, _ := newMetrics(t, func(o *instrument.Options) { o.Logger = logged.logger() })
	c := m.CounterVec(prometheus.CounterOpts{Name: "c_total", Help: "C."}, []string{"a", "b"})
	for _, use := range []func(){
		func() { c.WithLabelValues().Inc() },
		func() { c.WithLabelValues("x").Inc() },
		func() { c.WithLabelValues("x", "y", "z").Inc() },
		func() { c.With(nil).Inc() },
		func() { c.With(prometheus.Labels{"a": "x"}).Inc() },
		func() { c.With(prometheus.Labels{"a": "x", "c": "y"}).Inc() },
	} {
		use()
	}
	c.With(prometheus.Labels{"b": "y", "a": "x"}).Inc()
	wantLines(t, exposition(t, m), `c_total{a="x",b="y"} 1`, `instrument_labels_mismatched_total{metric="c_total"} 6`)
	if n := strings.Count(logged.String(), "\n"); n != 1 || !strings.Contains(logged.String(), "c_total") {
		t.Errorf("logged %d times: %s", n, logged.String())
	}
}

func TestMetricsWithAnyNumberOfLabelsFindTheirSeriesAgain(t *testing.T) {
	for n := range 12 {
		m, reg := newMetrics(t)
		var labels []string
		for i := range n {
			labels = append(labels, fmt.Sprintf("l%d", i))
		}
		vec := m.CounterVec(prometheus.CounterOpts{Name: "c_total", Help: "C."}, labels)
		for range 3 {
			for v := range 40 {
				values, byName := make([]string, n), prometheus.Labels{}
				for i := range n {
					values[i] = strings.Repeat("1", (v+i)%4) // values that run together if merely joined
					byName[labels[i]] = values[i]
				}
				vec.WithLabelValues(values...).Inc()
				vec.With(byName).Inc()
			}
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "c_total" {
				continue
			}
			if want := min(4, 1+3*n); len(f.Metric) != want {
				t.Errorf("%d labels: %d series, want %d", n, len(f.Metric), want)
			}
			for _, metric := range f.Metric {
				if got := metric.Counter.GetValue(); got != float64(240/len(f.Metric)) {
					t.Errorf("%d labels: %v is counted %v times", n, metric.Label, got)
				}
			}
		}
	}
}

func TestLabelValuesAreMadeValidAndShort(t *testing.T) {
	m, _ := newMetrics(t)
	c := m.CounterVec(prometheus.CounterOpts{Name: "c_total", Help: "C."}, []string{"v"})
	for range 2 {
		c.WithLabelValues("a\xffb").Inc()
		c.WithLabelValues(strings.Repeat("x", 1025)).Inc()
		c.WithLabelValues(strings.Repeat("x", 4000)).Inc()
		c.WithLabelValues(strings.Repeat("ä", 600)).Inc()
	}
	wantLines(t, exposition(t, m), "c_total{v=\"a\uFFFDb\"} 2",
		`c_total{v="`+strings.Repeat("x", 1024)+`"} 4`, `c_total{v="`+strings.Repeat("ä", 512)+`"} 2`)
}
