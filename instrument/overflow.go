package instrument

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	overflowedName = "instrument_series_overflowed_total"
	mismatchedName = "instrument_labels_mismatched_total"
)

// overflows counts what the bounds of metrics with labels kept from becoming series.
type overflows struct {
	logger                 *slog.Logger
	overflowed, mismatched *prometheus.CounterVec
}

func newOverflows(namespace string, logger *slog.Logger) *overflows {
	vec := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, []string{"metric"})
	}
	return &overflows{
		logger: logger,
		overflowed: vec(overflowedName,
			"Lookups of series that were counted in the series overflow, because the metric has as many as it may."),
		mismatched: vec(mismatchedName,
			"Lookups of series with label names or a number of values that the metric does not have: what was counted is not exposed."),
	}
}

func (o *overflows) register(reg prometheus.Registerer) error {
	if err := reg.Register(o.overflowed); err != nil {
		return registrationError(overflowedName, err)
	}
	if err := reg.Register(o.mismatched); err != nil {
		return registrationError(mismatchedName, err)
	}
	return nil
}

// of returns the counter of one metric, which is exposed as 0 from then on. There must be few metrics.
func (o *overflows) of(metric string) prometheus.Counter {
	return o.overflowed.WithLabelValues(sanitized(metric))
}
