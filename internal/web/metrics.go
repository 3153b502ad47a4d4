package web

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	streams prometheus.Gauge
	actions *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_web_live_streams",
			Help: "Open pages that follow the live values.",
		}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_web_actions_total",
			Help: "Requests of the page that do something, by action (try, kill) and result (ok, error, refused).",
		}, []string{"action", "result"}),
	}
	for _, action := range []string{"try", "kill"} {
		for _, result := range []string{"ok", "error", "refused"} {
			m.actions.WithLabelValues(action, result)
		}
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.streams, m.actions} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
	}
	return m, nil
}
