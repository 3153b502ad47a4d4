package instrument_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// A queue that lives in a database is measured when Prometheus asks, within the time that Prometheus has.
func ExampleMetrics_RegisterFunc() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	waiting := prometheus.NewDesc("orders_waiting", "Orders that nobody works on yet.", []string{"shop"}, nil)
	count := func(ctx context.Context, shop string) (float64, error) { // SELECT count(*) … with ctx
		if shop == "south" {
			return 0, errors.New("connection refused")
		}
		return 3, ctx.Err()
	}
	if err := m.RegisterFunc("orders", func(ctx context.Context, ch chan<- prometheus.Metric) error {
		for _, shop := range []string{"north", "south"} {
			n, err := count(ctx, shop)
			if err != nil {
				return fmt.Errorf("%s: %w", shop, err) // what was sent before is exposed
			}
			ch <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, n, shop)
		}
		return nil
	}, waiting); err != nil {
		fmt.Println(err)
		return
	}
	printMetrics(m.Handler(), "orders", "instrument_collector_success", "instrument_collector_failures")
	// Output:
	// instrument_collector_failures_total{collector="orders",reason="error"} 1
	// instrument_collector_failures_total{collector="orders",reason="panic"} 0
	// instrument_collector_failures_total{collector="orders",reason="timeout"} 0
	// instrument_collector_success{collector="orders"} 0
	// orders_waiting{shop="north"} 3
}

// A label whose values come from clients fills one series more than its bound, and no memory.
func ExampleCounterVec() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	searches := m.CounterVec(prometheus.CounterOpts{Name: "searches_total", Help: "Searches, by language."}, []string{"language"}).Limit(2)
	for _, language := range []string{"en", "de", "en", "x-attack-1", "x-attack-2", "de", "x-attack-3"} {
		searches.WithLabelValues(language).Inc()
	}
	printMetrics(m.Handler(), "searches", `instrument_series_overflowed_total{metric="searches`)
	// Output:
	// instrument_series_overflowed_total{metric="searches_total"} 3
	// searches_total{language="de"} 2
	// searches_total{language="en"} 2
	// searches_total{language="overflow"} 3
}
