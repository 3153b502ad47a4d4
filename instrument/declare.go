package instrument

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Counter declares a counter, which is exposed as 0 until it is counted up.
//
// As with all declarations, what is returned can always be used. If the declaration is wrong or its name taken, it is
// not exposed, the error is logged and kept for [Metrics.Err].
func (m *Metrics) Counter(opts prometheus.CounterOpts) prometheus.Counter {
	name := prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	return declare(m, name, func() prometheus.Counter { return prometheus.NewCounter(opts) },
		func() prometheus.Counter { return prometheus.NewCounter(prometheus.CounterOpts{Name: unexposed}) })
}

// Gauge declares a gauge, which is exposed as 0 until it is set. See [Metrics.Counter] on errors.
func (m *Metrics) Gauge(opts prometheus.GaugeOpts) prometheus.Gauge {
	name := prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	return declare(m, name, func() prometheus.Gauge { return prometheus.NewGauge(opts) },
		func() prometheus.Gauge { return prometheus.NewGauge(prometheus.GaugeOpts{Name: unexposed}) })
}

// Histogram declares a histogram, whose buckets are exposed as 0 until something is observed.
// See [Metrics.Counter] on errors.
func (m *Metrics) Histogram(opts prometheus.HistogramOpts) prometheus.Histogram {
	name := prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	return declare(m, name, func() prometheus.Histogram { return prometheus.NewHistogram(opts) },
		func() prometheus.Histogram { return prometheus.NewHistogram(prometheus.HistogramOpts{Name: unexposed}) })
}

// CounterVec declares a counter with labels. Each preset is one list of label values, in the labels' order, that is
// exposed as 0 from the start: rate() and increase() miss the first event of a series that begins with it.
// See [Metrics.Counter] on errors.
//
// The values given to a label should be few and known: each combination is a series for the life of the process. The
// number of series is bounded, see [CounterVec].
func (m *Metrics) CounterVec(opts prometheus.CounterOpts, labels []string, presets ...[]string) *CounterVec {
	name := prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	standIn := prometheus.NewCounter(prometheus.CounterOpts{Name: unexposed})
	return declare(m, name, func() *CounterVec {
		vec := prometheus.NewCounterVec(opts, labels)
		return &CounterVec{vec, prepared(m, name, labels, vec.MetricVec, vec.GetMetricWithLabelValues, standIn, presets)}
	}, func() *CounterVec {
		return &CounterVec{nothing{}, useless[prometheus.Counter](m, name, labels, standIn)}
	})
}

// GaugeVec declares a gauge with labels. See [Metrics.CounterVec] on presets and [Metrics.Counter] on errors.
func (m *Metrics) GaugeVec(opts prometheus.GaugeOpts, labels []string, presets ...[]string) *GaugeVec {
	name := prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	standIn := prometheus.NewGauge(prometheus.GaugeOpts{Name: unexposed})
	return declare(m, name, func() *GaugeVec {
		vec := prometheus.NewGaugeVec(opts, labels)
		return &GaugeVec{vec, prepared(m, name, labels, vec.MetricVec, vec.GetMetricWithLabelValues, standIn, presets)}
	}, func() *GaugeVec { return &GaugeVec{nothing{}, useless[prometheus.Gauge](m, name, labels, standIn)} })
}

// HistogramVec declares a histogram with labels. See [Metrics.CounterVec] on presets and [Metrics.Counter] on errors.
func (m *Metrics) HistogramVec(opts prometheus.HistogramOpts, labels []string, presets ...[]string) *HistogramVec {
	name := prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	standIn := prometheus.Observer(prometheus.NewHistogram(prometheus.HistogramOpts{Name: unexposed}))
	return declare(m, name, func() *HistogramVec {
		vec := prometheus.NewHistogramVec(opts, labels)
		return &HistogramVec{vec, prepared(m, name, labels, vec.MetricVec, vec.GetMetricWithLabelValues, standIn, presets)}
	}, func() *HistogramVec { return &HistogramVec{nothing{}, useless(m, name, labels, standIn)} })
}

// unexposed names the stand-in for a metric whose declaration client_golang refuses to build.
const unexposed = "unexposed"

// declare builds and registers one metric, and keeps the error if that fails.
func declare[C prometheus.Collector](m *Metrics, name string, build, standIn func() C) C {
	var metric C
	err := recovered(func() { metric = build() })
	if err != nil {
		metric = standIn()
		err = fmt.Errorf("metric %q: %w", name, err)
	} else if err = m.registerer.Register(metric); err != nil {
		err = registrationError(name, err)
	}
	if err == nil {
		m.owned.add(metric)
	} else {
		m.logger.Error("metric is not exposed", "metric", name, "error", err)
		m.mu.Lock()
		m.errs = append(m.errs, err)
		m.mu.Unlock()
	}
	return metric
}

// prepared tries out a metric with labels, because client_golang refuses some declarations only when the first series
// is made, by a panic in the request that needs it; then it makes the preset series.
func prepared[M any](m *Metrics, name string, labels []string, vec *prometheus.MetricVec, get func(...string) (M, error), standIn M, presets [][]string) *boundedSeries[M] {
	if _, err := get(make([]string, len(labels))...); err != nil {
		panic(err)
	}
	vec.Reset()
	b := newBoundedSeries(m, name, labels, standIn)
	b.make, b.forget = get, vec.DeleteLabelValues
	b.setLimit(max(len(presets), m.maxSeriesPerMetric))
	for _, values := range presets {
		if len(values) != len(labels) {
			panic(fmt.Errorf("preset %q does not fit the labels %q: it has %d values", values, labels, len(values)))
		}
		b.get(values)
	}
	b.publish()
	b.setLimit(m.maxSeriesPerMetric)
	return b
}

// useless returns series that can be used and are not exposed.
func useless[M any](m *Metrics, name string, labels []string, standIn M) *boundedSeries[M] {
	b := newBoundedSeries(m, name, labels, standIn)
	b.make = func(...string) (M, error) { return standIn, nil }
	b.forget = func(...string) bool { return false }
	return b
}

// nothing takes the place of a vector that client_golang refused.
type nothing struct{}

func (nothing) Describe(chan<- *prometheus.Desc) {}
func (nothing) Collect(chan<- prometheus.Metric) {}

// recovered turns client_golang's way of refusing a declaration, a panic, into an error.
func recovered(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("%v", p)
		}
	}()
	f()
	return nil
}
