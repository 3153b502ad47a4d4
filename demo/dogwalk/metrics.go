package dogwalk

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
)

// metrics are the numbers that only this application knows. They count what is committed, never what was tried.
type metrics struct {
	started, completed, invalid prometheus.Counter
	distance                    prometheus.Histogram
	newest                      *newestWalk
}

func newMetrics(m *instrument.Metrics, bounds Bounds) (*metrics, error) {
	own := &metrics{
		started:   m.Counter(prometheus.CounterOpts{Name: "walks_started_total", Help: "Walks that were started."}),
		completed: m.Counter(prometheus.CounterOpts{Name: "walks_completed_total", Help: "Walks that were completed."}),
		invalid:   m.Counter(prometheus.CounterOpts{Name: "invalid_walks_total", Help: "Walks that did not start because the form was invalid."}),
		distance: m.Histogram(prometheus.HistogramOpts{
			Name:    "walk_distance",
			Help:    "Distance of completed walks in metres.",
			Buckets: []float64{0, 50, 200, 400, 800, 1600, 3200},
		}),
		newest: &newestWalk{desc: prometheus.NewDesc("last_walk_started_timestamp_seconds",
			"When the newest walk started, in seconds since 1970. Merge by maximum.", nil, nil)},
	}
	band := m.GaugeVec(prometheus.GaugeOpts{
		Name: "walk_distance_band_meters",
		Help: "Bounds within which the average walk distance is fine.",
	}, []string{"bound"})
	band.WithLabelValues("lower").Set(float64(bounds.Shortest))
	band.WithLabelValues("upper").Set(float64(bounds.Longest))
	m.Gauge(prometheus.GaugeOpts{
		Name: "last_walk_max_age_seconds",
		Help: "How long ago the newest walk may have started.",
	}).Set(bounds.MaxAge.Seconds())
	if err := m.Register("newest_walk", own.newest); err != nil {
		return nil, err
	}
	return own, m.Err()
}

// newestWalk exposes a time, or nothing as long as there is none: a gauge would say 1970, a very old walk.
type newestWalk struct {
	desc   *prometheus.Desc
	micros atomic.Int64
}

// seen moves the time forward, never back.
func (n *newestWalk) seen(start time.Time) {
	if start.IsZero() {
		return
	}
	for at := start.UnixMicro(); ; {
		known := n.micros.Load()
		if at <= known || n.micros.CompareAndSwap(known, at) {
			return
		}
	}
}

func (n *newestWalk) Describe(ch chan<- *prometheus.Desc) { ch <- n.desc }

func (n *newestWalk) Collect(ch chan<- prometheus.Metric) {
	if micros := n.micros.Load(); micros > 0 {
		ch <- prometheus.MustNewConstMetric(n.desc, prometheus.GaugeValue, float64(micros)/1e6)
	}
}
