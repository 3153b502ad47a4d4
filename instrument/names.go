package instrument

import "github.com/prometheus/client_golang/prometheus"

// Names is a scheme of metric names, labels and buckets.
type Names int

const (
	// PrometheusNames are as Prometheus' own naming guide has them: base units, _total for counters and only for them.
	PrometheusNames Names = iota
	// DjangoNames are those that django-prometheus exposes, so that dashboards, alerts and objectives written for it
	// work unchanged: django_http_requests_total_by_method_total and its siblings.
	DjangoNames
)

// Names returns the scheme that the metrics of this library follow, for integrations that define metrics of their own.
func (m *Metrics) Names() Names { return m.names }

// Name returns the first name, or the second where django-prometheus' names are asked for ([DjangoNames]), with
// Options.Namespace in front. It is for integrations that define metrics of their own.
func (m *Metrics) Name(prometheusName, djangoName string) string {
	if m.names == DjangoNames {
		prometheusName = djangoName
	}
	return prometheus.BuildFQName(m.namespace, "", prometheusName)
}
