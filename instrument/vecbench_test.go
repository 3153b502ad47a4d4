package instrument_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// benchVecs are the same counter with n labels, with bounded series and as client_golang has it, of 100 series each.
func benchVecs(t testing.TB, n int) (*instrument.CounterVec, *prometheus.CounterVec) {
	var labels []string
	for i := range n {
		labels = append(labels, fmt.Sprintf("label_%d", i))
	}
	m, _ := newMetrics(t)
	own := m.CounterVec(prometheus.CounterOpts{Name: "own_total", Help: "Own."}, labels)
	theirs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "theirs_total", Help: "Theirs."}, labels)
	for i := range 100 {
		values := append([]string{fmt.Sprint("value", i)}, "/walks/{id}", "200", "eu-west-1", "blue")[:n]
		own.WithLabelValues(values...)
		theirs.WithLabelValues(values...)
	}
	return own, theirs
}

var benchValue = [5]string{"value7", "/walks/{id}", "200", "eu-west-1", "blue"}

// incs are one call of each, for 1 to 5 labels. The compiler must see whom they call: the arguments escape if not.
func incs(t testing.TB) (own, theirs [5]func()) {
	v := &benchValue
	o, c := [5]*instrument.CounterVec{}, [5]*prometheus.CounterVec{}
	for i := range o {
		o[i], c[i] = benchVecs(t, i+1)
	}
	own = [5]func(){
		func() { o[0].WithLabelValues(v[0]).Inc() },
		func() { o[1].WithLabelValues(v[0], v[1]).Inc() },
		func() { o[2].WithLabelValues(v[0], v[1], v[2]).Inc() },
		func() { o[3].WithLabelValues(v[0], v[1], v[2], v[3]).Inc() },
		func() { o[4].WithLabelValues(v[0], v[1], v[2], v[3], v[4]).Inc() },
	}
	theirs = [5]func(){
		func() { c[0].WithLabelValues(v[0]).Inc() },
		func() { c[1].WithLabelValues(v[0], v[1]).Inc() },
		func() { c[2].WithLabelValues(v[0], v[1], v[2]).Inc() },
		func() { c[3].WithLabelValues(v[0], v[1], v[2], v[3]).Inc() },
		func() { c[4].WithLabelValues(v[0], v[1], v[2], v[3], v[4]).Inc() },
	}
	return own, theirs
}

// BenchmarkBoundedCounter measures WithLabelValues(…).Inc() of a counter with bounded series beside client_golang's own.
func BenchmarkBoundedCounter(b *testing.B) {
	own, theirs := incs(b)
	measure := func(name string, inc func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				inc()
			}
		})
	}
	for i := range own {
		measure(fmt.Sprintf("Labels%d/Instrument", i+1), own[i])
		measure(fmt.Sprintf("Labels%d/ClientGolang", i+1), theirs[i])
	}
	m, _ := newMetrics(b)
	full := m.CounterVec(prometheus.CounterOpts{Name: "full_total", Help: "Full."}, []string{"a", "b"}, []string{"x", "y"}).Limit(1)
	measure("Overflow", func() { full.WithLabelValues(benchValue[0], benchValue[1]).Inc() })
}

func TestACounterWithBoundedSeriesAllocatesNothing(t *testing.T) {
	own, _ := incs(t)
	for i, inc := range own {
		if n := testing.AllocsPerRun(1000, inc); n != 0 {
			t.Errorf("%d labels: %v allocations", i+1, n)
		}
	}
}
