package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/hint"
)

// metrics carry Prometheus' own names: existing dashboards and alerts on a Prometheus keep working on this one.
type metrics struct {
	reloadSuccessful  prometheus.Gauge
	reloadSuccessTime prometheus.Gauge
	ready             prometheus.Gauge
	requests          *prometheus.CounterVec
	requestDuration   *prometheus.HistogramVec
	federationErrors  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		reloadSuccessful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "prometheus_config_last_reload_successful",
			Help: "Whether the last configuration reload attempt was successful.",
		}),
		reloadSuccessTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "prometheus_config_last_reload_success_timestamp_seconds",
			Help: "Timestamp of the last successful configuration reload.",
		}),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "prometheus_ready",
			Help: "Whether the server has started and is ready to answer.",
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "prometheus_http_requests_total",
			Help: "Requests answered, by route and status code.",
		}, []string{"handler", "code"}),
		requestDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "prometheus_http_request_duration_seconds",
			Help:    "Time to answer a request, by route.",
			Buckets: []float64{.1, .2, .4, 1, 3, 8, 20, 60, 120}, // Prometheus' own
		}, []string{"handler"}),
		federationErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "prometheus_web_federation_errors_total",
			Help: "Errors while answering /federate.",
		}),
	}
	for _, c := range []prometheus.Collector{
		m.reloadSuccessful, m.reloadSuccessTime, m.ready, m.requests, m.requestDuration, m.federationErrors,
	} {
		// The first of hundreds: a registry that already holds another server's metrics is refused here, because the
		// libraries would panic on it.
		if err := reg.Register(c); err != nil {
			return nil, hint.Errorf("give every server a registry of its own", "metrics registry: %w", err)
		}
	}
	return m, nil
}
