package endpoint

import (
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/internal/admission"
)

// collectorName is what the endpoint's own metrics are registered as.
const collectorName = "metrics_endpoint"

// refusals counts the requests that were not for the metrics' handler to answer.
type refusals struct{ busy, method, body atomic.Uint64 }

// metrics are those of the endpoint itself.
type metrics struct {
	room     *admission.Room
	refusals *refusals

	connections, closed, refused *prometheus.Desc
}

// exposed registers the endpoint's metrics, and returns what ends that.
func exposed(m *instrument.Metrics, room *admission.Room, r *refusals, logger *slog.Logger) (end func()) {
	if m == nil {
		return func() {}
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(m.Name(name, name), help, labels, nil)
	}
	own := &metrics{
		room: room, refusals: r,
		connections: desc("instrument_endpoint_connections", "Connections that are open at the metrics' own listener."),
		closed: desc("instrument_endpoint_connections_closed_total",
			"Connections closed by the bound: idle ones for the sake of a new one, and new ones because all others were busy.", "reason"),
		refused: desc("instrument_endpoint_requests_refused_total",
			"Requests refused at the metrics' own listener: too many at once, of another method than GET and HEAD, or with a body.", "reason"),
	}
	if err := m.Register(collectorName, own); err != nil {
		logger.Warn("this endpoint has no metrics of its own", "error", err)
		return func() {}
	}
	return func() { m.Unregister(collectorName) }
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.connections
	ch <- m.closed
	ch <- m.refused
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	counts := m.room.Counts()
	count := func(desc *prometheus.Desc, n uint64, reason string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), reason)
	}
	ch <- prometheus.MustNewConstMetric(m.connections, prometheus.GaugeValue, float64(counts.Open))
	count(m.closed, counts.Evicted, "idle")
	count(m.closed, counts.Refused, "busy")
	count(m.refused, m.refusals.busy.Load(), "busy")
	count(m.refused, m.refusals.method.Load(), "method")
	count(m.refused, m.refusals.body.Load(), "body")
}
