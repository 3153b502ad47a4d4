package instrument_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/truecount/truecount/instrument"
)

// asked are questions about HTTP in the forms that people's dashboards, alerts and recording rules for django-prometheus ask
// them, those of django-mixin (github.com/adinhodovic/django-mixin) above all.
var asked = []string{
	`sum by (job) (rate(django_http_requests_before_middlewares_total[2m]))`,
	`sum by (job) (rate(django_http_responses_before_middlewares_total[2m]))`,
	`round(sum by (job) (rate(django_http_requests_total_by_view_transport_method_total{job=~"shop", view!~"<unnamed view>|health_check:health_check_home", method=~"GET|POST"}[2m]) > 0), 0.001)`,
	`sum by (view) (rate(django_http_responses_total_by_status_view_method_total{job="shop", view!~"<unnamed view>", status=~"2.*"}[2m]))`,
	`sum by (job, view) (rate(django_http_responses_total_by_status_view_method_total{status=~"5.*", view!~"<unnamed view>"}[2m]))
	 / sum by (job, view) (rate(django_http_responses_total_by_status_view_method_total{view!~"<unnamed view>"}[2m])) * 100 > 5`,
	`sum by (status) (rate(django_http_responses_total_by_status_total[2m]))`,
	`sum by (method) (rate(django_http_requests_total_by_method_total[2m]))`,
	`sum by (transport) (rate(django_http_requests_total_by_transport_total[2m]))`,
	`histogram_quantile(0.95, sum by (job, le) (rate(django_http_requests_latency_seconds_by_view_method_bucket{view=~".*walks.*", method=~"GET"}[2m])))`,
	`histogram_quantile(0.999, sum by (job, le) (rate(django_http_requests_latency_including_middlewares_seconds_bucket[2m])))`,
	`histogram_quantile(0.95, sum by (job, le) (rate(django_http_requests_body_total_bytes_bucket[2m])))`,
	`histogram_quantile(0.95, sum by (job, le) (rate(django_http_responses_body_total_bytes_bucket[2m])))`,
	`topk(10, sum by (view) (increase(django_http_exceptions_total_by_view_total{view!~"<unnamed view>"}[2m]) > 0))`,
	`topk(10, sum by (type) (increase(django_http_exceptions_total_by_type_total[2m]) > 0))`,
	`topk(10, sum by (templatename) (increase(django_http_responses_total_by_templatename_total{templatename!~".*'health_check/index.html'.*|None"}[2m]) > 0))`,
	`sum by (charset) (rate(django_http_responses_total_by_charset_total[2m]))`,
	`sum(rate(django_http_ajax_requests_total[2m])) > 0`,
	`sum(rate(django_http_responses_streaming_total[2m])) > 0`,
	`sum(rate(django_http_requests_unknown_latency_total[2m])) == 0`,
	`sum(rate(django_http_requests_unknown_latency_including_middlewares_total[2m])) == 0`,
}

func TestDashboardsAndAlertsOfDjangoPrometheusHaveAnswers(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 1m\n")
	for name, series := range samples(gathered(t, instrument.Options{Names: instrument.DjangoNames}, true)) {
		for labels, value := range series {
			// Behind the brace that opens them, as a route may have braces of its own.
			labels = strings.Replace(`{job="shop",`+labels[1:], ",}", "}", 1)
			fmt.Fprintf(&load, "  %s%s 0 %v\n", name, labels, value)
		}
	}
	storage := promqltest.LoadedStorage(t, load.String())
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	for _, expr := range asked {
		query, err := engine.NewInstantQuery(context.Background(), storage, nil, expr, time.Unix(60, 0))
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil || len(vector) == 0 {
			t.Errorf("no answer to %s: %v", expr, err)
		}
		for _, sample := range vector {
			if sample.F != sample.F {
				t.Errorf("no number for %s: %v", sample.Metric, expr)
			}
		}
		query.Close()
	}
}
