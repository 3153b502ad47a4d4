package metricrule_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// BenchmarkCatalog is a relist of the default rules over 1,000 names of series in 100,000 series.
func BenchmarkCatalog(b *testing.B) {
	set, _ := metricrule.Load(metricrule.Options{}, operator("rules: {default: true}"))
	var series []labels.Labels
	for name := range 1000 {
		for pod := range 100 {
			series = append(series, labels.FromStrings("__name__", fmt.Sprintf("metric_%d_total", name), "namespace", "shop", "pod", fmt.Sprint("web-", pod), "service", "web", "job", "web"))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		found := map[metricrule.Discovery]*metricrule.Found{}
		for _, d := range set.Discoveries() {
			found[d] = &metricrule.Found{}
			for _, s := range series {
				found[d].Add(s)
			}
		}
		metricrule.NewCatalog(set, metricrule.KnownResources(), found)
	}
}

// BenchmarkQuery writes the query of a request for all pods.
func BenchmarkQuery(b *testing.B) {
	set, _ := metricrule.Load(metricrule.Options{}, operator(webRule))
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range set.Discoveries() {
		found[d] = &metricrule.Found{}
		found[d].Add(labels.FromStrings("__name__", "http_requests_total", "namespace", "shop", "pod", "web-0"))
	}
	c := metricrule.NewCatalog(set, metricrule.KnownResources(), found)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "http_requests_per_second", All: true}); err != nil {
			b.Fatal(err)
		}
	}
}
