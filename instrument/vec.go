package instrument

import "github.com/prometheus/client_golang/prometheus"

// CounterVec is a counter with labels, of a bounded number of series. [Metrics.CounterVec] makes it; its methods may be
// called concurrently.
//
// All metrics with labels behave alike:
//
//   - A metric has at most Options.MaxSeriesPerMetric series, or as many as its Limit says. Whatever would be one
//     more is counted in a series whose labels all are "overflow"; that is logged once, and each time counted in
//     instrument_series_overflowed_total{metric}. The series that exist go on as they were.
//   - Label values that are not UTF-8 are made so, and those longer than 1,024 bytes are cut.
//   - Nothing panics. With another number of values than the metric has labels, or with other names, the result can be
//     used but is not exposed; that is logged once, and each time counted in instrument_labels_mismatched_total{metric}.
//   - A series that exists is found without a lock and without an allocation.
type CounterVec struct {
	prometheus.Collector
	series *boundedSeries[prometheus.Counter]
}

// WithLabelValues returns the series with the values, which are in the order of the labels in the declaration.
func (v *CounterVec) WithLabelValues(values ...string) prometheus.Counter {
	return v.series.get(values)
}

// With returns the series with the labels. It takes longer than [CounterVec.WithLabelValues].
func (v *CounterVec) With(labels prometheus.Labels) prometheus.Counter { return v.series.with(labels) }

// Delete removes a series, and says whether there was one. What still holds it counts unseen.
func (v *CounterVec) Delete(values ...string) bool { return v.series.remove(values) }

// Limit changes how many series the metric may have, and returns v. It is called before the metric is used; what is over
// the limit already stays.
func (v *CounterVec) Limit(series int) *CounterVec { v.series.setLimit(series); return v }

// GaugeVec is a gauge with labels, of a bounded number of series, see [CounterVec]. [Metrics.GaugeVec] makes it.
type GaugeVec struct {
	prometheus.Collector
	series *boundedSeries[prometheus.Gauge]
}

// WithLabelValues returns the series with the values, which are in the order of the labels in the declaration.
func (v *GaugeVec) WithLabelValues(values ...string) prometheus.Gauge { return v.series.get(values) }

// With returns the series with the labels. It takes longer than [GaugeVec.WithLabelValues].
func (v *GaugeVec) With(labels prometheus.Labels) prometheus.Gauge { return v.series.with(labels) }

// Delete removes the series of what is gone, and says whether there was one.
func (v *GaugeVec) Delete(values ...string) bool { return v.series.remove(values) }

// Limit changes how many series the metric may have, see [CounterVec.Limit].
func (v *GaugeVec) Limit(series int) *GaugeVec { v.series.setLimit(series); return v }

// HistogramVec is a histogram with labels, of a bounded number of series, see [CounterVec]. [Metrics.HistogramVec] makes
// it. A series of a histogram is exposed as one sample for each bucket and two more.
type HistogramVec struct {
	prometheus.Collector
	series *boundedSeries[prometheus.Observer]
}

// WithLabelValues returns the series with the values, which are in the order of the labels in the declaration.
func (v *HistogramVec) WithLabelValues(values ...string) prometheus.Observer {
	return v.series.get(values)
}

// With returns the series with the labels. It takes longer than [HistogramVec.WithLabelValues].
func (v *HistogramVec) With(labels prometheus.Labels) prometheus.Observer {
	return v.series.with(labels)
}

// Delete removes a series, and says whether there was one. What still holds it observes unseen.
func (v *HistogramVec) Delete(values ...string) bool { return v.series.remove(values) }

// Limit changes how many series the metric may have, see [CounterVec.Limit].
func (v *HistogramVec) Limit(series int) *HistogramVec { v.series.setLimit(series); return v }
