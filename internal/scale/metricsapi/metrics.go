package metricsapi

import (
	"errors"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// Metrics are what the adapter says of itself.
type Metrics struct {
	requests  *prometheus.CounterVec
	shared    *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	asked     *prometheus.HistogramVec
	relists   *prometheus.CounterVec
	searches  *prometheus.CounterVec
	relisted  *prometheus.GaugeVec
	series    *prometheus.GaugeVec
	metrics   *prometheus.GaugeVec
	conflicts prometheus.Gauge
	rules     *prometheus.GaugeVec
	refused   *prometheus.GaugeVec
	loaded    prometheus.Gauge
}

// NewMetrics registers the instruments.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truecount_adapter_requests_total",
			Help: "Requests for values by API and result: ok, or why there is no value."}, []string{"api", "result"}),
		shared: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truecount_adapter_queries_total",
			Help: "Queries that requests needed, by who answered: the server, or another request under way with the same query."}, []string{"by"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "truecount_adapter_request_duration_seconds",
			Help:    "Time to answer a request for values, without writing it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"api"}),
		asked: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "truecount_adapter_prometheus_request_duration_seconds",
			Help:    "Time until a Prometheus server began to answer, by server, path and status; the status is error without an answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"server", "path", "code"}),
		relists: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truecount_adapter_relists_total",
			Help: "Times that a server was asked which series there are, by server, series selector and result."}, []string{"server", "selector", "result"}),
		searches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truecount_adapter_series_searches_total",
			Help: "Times that a server was asked which series there are because a metric was asked for that nobody has, by server and result."}, []string{"server", "result"}),
		relisted: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_adapter_relist_last_success_timestamp_seconds",
			Help: "When a server last said which series there are."}, []string{"server", "selector"}),
		series: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_adapter_series",
			Help: "Series that a server last said there are."}, []string{"server", "selector"}),
		metrics: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_adapter_metrics",
			Help: "Metrics in the API's discovery, each resource that one describes counted."}, []string{"api"}),
		conflicts: prometheus.NewGauge(prometheus.GaugeOpts{Name: "truecount_adapter_metric_conflicts",
			Help: "Metrics that are answered with an error because two rules or series give them."}),
		rules: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_adapter_rules",
			Help: "Rules in use by source."}, []string{"source"}),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_adapter_rule_problems",
			Help: "Mistakes in a source, as it is now: 0 is what it should be."}, []string{"source"}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{Name: "truecount_adapter_rules_last_load_timestamp_seconds",
			Help: "When the sources of rules were last read."}),
	}
	for _, by := range []string{"server", "request"} {
		m.shared.WithLabelValues(by)
	}
	for _, c := range m.Collectors()[1:] { // what is watched is registered when it is known
		if err := reg.Register(c); err != nil {
			return nil, errors.New("the adapter's metrics are registered already: give each one a registry of its own")
		}
	}
	return m, nil
}

// Collectors returns all instruments.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{
		watchCollector{},
		m.requests, m.shared, m.duration, m.asked, m.relists, m.searches, m.relisted, m.series, m.metrics, m.conflicts, m.rules, m.refused, m.loaded,
	}
}

// countRules tells how many rules and mistakes each source has.
func (m *Metrics) countRules(of *rules, problems []metricrule.Problem, now time.Time) {
	m.rules.Reset()
	m.refused.Reset()
	for key := range of.read {
		m.rules.WithLabelValues(key.name)
		m.refused.WithLabelValues(key.name)
	}
	for _, r := range of.set.Rules() {
		m.rules.WithLabelValues(r.Source).Inc()
	}
	for _, p := range problems {
		m.refused.WithLabelValues(p.Source).Add(float64(1 + p.More))
	}
	m.loaded.Set(float64(now.UnixMilli()) / 1000)
}

// forget takes away what was told of a selector that no rule has any more.
func (m *Metrics) forget(d metricrule.Discovery) {
	of := prometheus.Labels{"server": serverName(d.Server), "selector": d.Matcher}
	m.relists.DeletePartialMatch(of)
	m.relisted.Delete(of)
	m.series.Delete(of)
}

// Transport measures what a server is asked.
func (m *Metrics) Transport(server string, next http.RoundTripper) http.RoundTripper {
	return &measured{next: next, of: m, server: server}
}

type measured struct {
	next   http.RoundTripper
	of     *Metrics
	server string
}

// RoundTrip implements [http.RoundTripper].
func (t *measured) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.next.RoundTrip(req)
	code := "error"
	if err == nil {
		code = strconv.Itoa(resp.StatusCode)
	}
	t.of.asked.WithLabelValues(t.server, path.Base(req.URL.Path), code).Observe(time.Since(began).Seconds())
	return resp, err
}

// CloseIdleConnections closes those of the transport that is measured.
func (t *measured) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// watchCollector tells how many objects are known.
type watchCollector struct{ of *watches }

var (
	objectsDesc = prometheus.NewDesc("truecount_adapter_objects", "Objects of the cluster whose names and labels are known.", []string{"resource"}, nil)
	watchDesc   = prometheus.NewDesc("truecount_adapter_watch_up", "Whether the last attempt to list or watch a resource succeeded.", []string{"resource"}, nil)
)

// Describe implements [prometheus.Collector].
func (watchCollector) Describe(ch chan<- *prometheus.Desc) { ch <- objectsDesc; ch <- watchDesc }

// Collect implements [prometheus.Collector].
func (c watchCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.of.states() {
		up := 0.0
		if s.working {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(objectsDesc, prometheus.GaugeValue, float64(s.objects), s.resource)
		ch <- prometheus.MustNewConstMetric(watchDesc, prometheus.GaugeValue, up, s.resource)
	}
}
