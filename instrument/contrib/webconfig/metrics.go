package webconfig

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// What became of a request: the values of the label outcome.
const (
	served        = "served"
	unauthorized  = "unauthorized"
	rateLimited   = "rate_limited"
	busy          = "busy"
	misconfigured = "misconfigured"
)

// metrics are nil if nobody wants them.
type metrics struct {
	outcomes map[string]prometheus.Counter
	vec      *prometheus.CounterVec
	good     prometheus.GaugeFunc
}

func newMetrics(m *instrument.Metrics, f *file) (*metrics, error) {
	if m == nil {
		return nil, nil
	}
	name := func(n string) string { return m.Name(n, n) }
	own := &metrics{
		vec: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("instrument_web_config_requests_total"),
			Help: "Requests behind the web configuration file, by what became of them.",
		}, []string{"outcome"}),
		good: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: name("instrument_web_config_good"),
			Help: "Whether the web configuration file let requests be judged when the last one came.",
		}, func() float64 {
			if f.good() {
				return 1
			}
			return 0
		}),
		outcomes: map[string]prometheus.Counter{},
	}
	for _, outcome := range []string{served, unauthorized, rateLimited, busy, misconfigured} {
		own.outcomes[outcome] = own.vec.WithLabelValues(outcome)
	}
	return own, m.Register("web_config", own)
}

func (m *metrics) count(outcome string) {
	if m != nil {
		m.outcomes[outcome].Inc()
	}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.vec.Describe(ch)
	m.good.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.vec.Collect(ch)
	m.good.Collect(ch)
}
