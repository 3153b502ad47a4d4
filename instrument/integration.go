package instrument

import (
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// HistogramOpts returns the options of a histogram of that name and help (see [Metrics.Name]), with the buckets or native,
// as Options.Histograms says. It is for integrations that define metrics of their own.
func (m *Metrics) HistogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return m.http.opts.Histograms.histogram(name, help, buckets)
}

// Logger returns Options.Logger, or one that discards everything, for integrations that define metrics of their own. That
// of a nil Metrics discards, too.
func (m *Metrics) Logger() *slog.Logger {
	if m == nil {
		return slog.New(slog.DiscardHandler)
	}
	return m.logger
}

// Declare registers metrics that an integration made itself, all of them or, with an error, none. They are counters,
// gauges and histograms with or without labels, which are always there and cannot fail: they need none of the guards
// of [Metrics.Register], and no collector may send others of their names.
func (m *Metrics) Declare(metrics ...prometheus.Collector) error {
	for i, metric := range metrics {
		if err := m.registerer.Register(metric); err != nil {
			for _, done := range slices.Backward(metrics[:i]) {
				m.registerer.Unregister(done)
			}
			return registrationError(firstName(metric), err)
		}
	}
	for _, metric := range metrics {
		m.owned.add(metric)
	}
	return nil
}

// firstName is the name of a collector's first metric, for people.
func firstName(c prometheus.Collector) string {
	descs, err := described(c.Describe)
	if err != nil || len(descs) == 0 {
		return ""
	}
	name, _ := descNames(descs[0])
	return name
}
