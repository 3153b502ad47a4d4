package main

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// The controller asks for an object in the autoscaler's namespace, for a Namespace about that one whatever its manifest names, and the
// API has nothing about a node in a namespace.
func TestAnObjectIsAskedForAsTheControllerDoes(t *testing.T) {
	set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "rules.yaml", Data: []byte(
		"rules:\n- {seriesQuery: load, resources: {template: <<.Resource>>}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}\n")})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	found := &metricrule.Found{}
	found.Add(labels.FromStrings("__name__", "load", "namespace", "shop", "service", "s", "node", "n"))
	catalog := metricrule.NewCatalog(set, metricrule.KnownResources(), map[metricrule.Discovery]*metricrule.Found{set.Discoveries()[0]: found})
	for kind, want := range map[string]string{
		"Service": `sum by (service) (load{namespace="shop",service="other"})`, "Namespace": `sum by (namespace) (load{namespace="shop"})`, "Node": "",
	} {
		m := &autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: kind, Name: "other"}, Metric: autoscalingv2.MetricIdentifier{Name: "load"},
		}}
		query, err := ruleQuery(catalog, "shop", m)
		switch {
		case want == "" && err == nil:
			t.Errorf("%s: asks %s", kind, query.Asks)
		case want != "" && (err != nil || !strings.Contains(query.Asks, want)):
			t.Errorf("%s: %v, %v", kind, query, err)
		}
	}
}
