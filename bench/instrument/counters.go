package main

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
)

// counters compares one increment of a counter that is looked up by its label values: with bounded labels, and as
// client_golang does it, without a bound.
func counters() ([]comparison, error) {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		return nil, err
	}
	var all []comparison
	for labels := 1; labels <= 3; labels++ {
		names, values := []string{"size", "colour", "shop"}[:labels], []string{"md", "brown", "north"}[:labels]
		held := prometheus.NewCounter(prometheus.CounterOpts{Name: "held_total"})
		theirs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "theirs_total"}, names)
		ours := m.CounterVec(prometheus.CounterOpts{Name: fmt.Sprintf("ours%d_total", labels), Help: "Ours."}, names)
		all = append(all, comparison{
			name:  fmt.Sprintf("Counter%dLabels", labels),
			title: fmt.Sprintf("one counter of %d label(s), looked up and incremented", labels),
			subjects: []subject{
				{name: "increment-alone", run: func(b *testing.B) {
					for b.Loop() {
						held.Inc()
					}
				}},
				{name: "bounded", ours: true, run: func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						ours.WithLabelValues(values...).Inc()
					}
				}},
				{name: "client_golang", run: func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						theirs.WithLabelValues(values...).Inc()
					}
				}},
			},
		})
	}
	return all, m.Err()
}
