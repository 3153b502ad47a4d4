package metricsapi

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/test/victoriametrics"
)

// MetricsQL is not PromQL: that rates, ratios, selectors and the times of samples come out as the rules mean them is seen only on a
// server that speaks it.
func TestVictoriaMetricsIsUnderstood(t *testing.T) {
	const rules = `rules:
  - seriesQuery: '{__name__=~"^(clicks|orders)_total$"}'
    resources: {template: "<<.Resource>>"}
    name: {matches: "^(.*)_total$", as: "${1}_per_second"}
    metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
  - seriesQuery: clicks_total
    resources: {template: "<<.Resource>>"}
    name: {as: clicks_per_order}
    metricsQuery: sum(clicks_total{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(orders_total{<<.LabelMatchers>>}) by (<<.GroupBy>>)
  - seriesQuery: '{__name__=~"^(depth|stale)$"}'
    resources: {template: "<<.Resource>>"}
    metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
  - seriesQuery: depth
    resources: {template: "<<.Resource>>"}
    name: {as: not_a_number}
    metricsQuery: sum(depth{<<.LabelMatchers>>}) by (<<.GroupBy>>) / 0
`
	store := victoriametrics.Start(t)
	// What is younger than -search.latencyOffset (30 s) is not told.
	newest := time.Now().Add(-time.Minute).Truncate(time.Second)
	var text strings.Builder
	for pod := range 2 {
		labels := fmt.Sprintf(`{namespace="shop",pod="shop-%d",path="cart"}`, pod)
		for i := range 41 {
			at := newest.Add(time.Duration(i-40) * 15 * time.Second).UnixMilli()
			fmt.Fprintf(&text, "clicks_total%s %d %d\norders_total%s %d %d\n", labels, 60*(pod+1)*i, at, labels, 30*i, at)
		}
		fmt.Fprintf(&text, "depth%s %d %d\n", labels, pod, newest.UnixMilli())
		fmt.Fprintf(&text, "stale%s %d %d\n", labels, pod, newest.Add(-2*time.Minute).UnixMilli())
	}
	fmt.Fprintf(&text, "depth{namespace=\"other\",pod=\"shop-0\"} 99 %d\n", newest.UnixMilli())
	store.Import(t, text.String())

	w := newWorld(t, rules, func(w *world) {
		w.pod("shop", "shop-0", "shop")
		w.pod("shop", "shop-1", "shop")
	}, func(o *Options) {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		client, err := promapi.New(promapi.Options{URL: store.URL, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		o.Servers[""] = client
		o.ValueMaxAge = 2*time.Minute + 30*time.Second
	})
	for name, c := range map[string]struct {
		metric, selector string
		want             map[string]string
		fails            string
	}{
		"a rate":                 {"clicks_per_second", "", map[string]string{"shop-0": "4", "shop-1": "8"}, ""},
		"the metric's selector":  {"clicks_per_second", "path=cart,pod=shop-1", map[string]string{"shop-1": "8"}, ""},
		"a ratio":                {"clicks_per_order", "", map[string]string{"shop-0": "2", "shop-1": "4"}, ""},
		"a gauge, and a true 0":  {"depth", "", map[string]string{"shop-0": "0", "shop-1": "1"}, ""},
		"a sample that is stale": {"stale", "", nil, "shop-0: the newest sample is 3m"},
		"0/0, which it drops":    {"not_a_number", "", nil, "shop-1: the value is infinite"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := w.ask("shop", c.metric, "", c.selector)
			if c.fails == "" && (err != nil || !maps.Equal(got, c.want)) {
				t.Errorf("got %v, %v", got, err)
			}
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	q := question{namespace: "shop", resource: schema.GroupResource{Resource: "pods"}, metric: "clicks_per_second", selector: labels.Everything(), metricSelector: labels.Everything()}
	if a, err := w.api.custom(t.Context(), q); err != nil || !a.list.Items[0].Timestamp.Time.Equal(newest) {
		t.Errorf("the newest sample is of %s, told is %v, %v", newest, a, err)
	}
	of := question{resource: schema.GroupResource{Resource: "namespaces"}, name: "shop", metric: "clicks_per_second", selector: labels.Everything(), metricSelector: labels.Everything()}
	if got, err := w.values(of); err != nil || got["shop"] != "12" {
		t.Errorf("of the namespace: %v, %v", got, err)
	}
}
