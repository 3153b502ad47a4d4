package instrument

import (
	"fmt"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
)

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

var namespaces = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)?$`)

// checkNamespace allows what all scrapers can read. client_golang takes any UTF-8, which is then exposed by one name to those
// who ask for UTF-8 and by another to all others: "my-shop" as my_shop.
func checkNamespace(namespace string) error {
	if namespaces.MatchString(namespace) {
		return nil
	}
	return fmt.Errorf("Options.Namespace %q makes no valid metric name: take letters, digits and underscores, for instance %q",
		namespace, namespaceOf(namespace))
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_:]+`)

func namespaceOf(s string) string {
	s = notInNames.ReplaceAllString(s, "_")
	if s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}
