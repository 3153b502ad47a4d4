package instrument

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures one service on one registry. Its methods may be called concurrently.
type Metrics struct{ err error }

// New registers the HTTP and runtime metrics.
func New(opts Options) (*Metrics, error) { return nil, errors.New("being built") }

// Middleware measures the requests that next serves.
func (m *Metrics) Middleware(next http.Handler) http.Handler { return next }

// Handler serves the registry's metrics.
func (m *Metrics) Handler() http.Handler { return nil }

// Err returns the errors of all declarations so far, joined, or nil.
func (m *Metrics) Err() error { return m.err }

// Register registers collectors of any other kind.
func (m *Metrics) Register(c ...prometheus.Collector) error { return nil }

// Counter declares a counter.
func (m *Metrics) Counter(opts prometheus.CounterOpts) prometheus.Counter { return nil }

// Gauge declares a gauge.
func (m *Metrics) Gauge(opts prometheus.GaugeOpts) prometheus.Gauge { return nil }

// Histogram declares a histogram.
func (m *Metrics) Histogram(opts prometheus.HistogramOpts) prometheus.Histogram { return nil }

// CounterVec declares a counter with labels; the series of each preset exist at 0 from the start.
func (m *Metrics) CounterVec(opts prometheus.CounterOpts, labels []string, presets ...[]string) *prometheus.CounterVec {
	return nil
}

// GaugeVec declares a gauge with labels.
func (m *Metrics) GaugeVec(opts prometheus.GaugeOpts, labels []string, presets ...[]string) *prometheus.GaugeVec {
	return nil
}

// HistogramVec declares a histogram with labels.
func (m *Metrics) HistogramVec(opts prometheus.HistogramOpts, labels []string, presets ...[]string) *prometheus.HistogramVec {
	return nil
}
