package metricsapi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

const shopApplication = `apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: shop, namespace: shop}
spec:
  command: [shop]
  port: 8000
  workers: {count: 1, metrics: {sockets: {}}}
  signals:
    orders: {query: "sum by (pod) (a_total)"}
    queue: {query: "sum(a_total)"}
`

// TestARequestThatCannotBeAskedSoIsABadRequest: an autoscaler holds at any error, but 500 is for what is wrong with us or with rules.
func TestARequestThatCannotBeAskedSoIsABadRequest(t *testing.T) {
	rules := plain + `  - {seriesQuery: b_total, resources: {template: "<<.Resource>>"}, name: {as: twice}, metricsQuery: sum(b_total) by (pod)}
  - {seriesQuery: b_total, resources: {template: "<<.Resource>>"}, name: {as: twice}, metricsQuery: max(b_total) by (pod)}
  - {seriesQuery: b_total, resources: {template: "<<.Resource>>"}, name: {as: repeats}, metricsQuery: 'sum(b_total{x!~"(<<.LabelValuesByName.size>>){300}"}) by (pod)'}
externalRules:
  - {seriesQuery: a_total, resources: {template: "<<.Resource>>"}, name: {as: outside}, metricsQuery: "sum(a_total{<<.LabelMatchers>>})"}
`
	prepare := func(w *world) {
		w.pod("shop", "shop-0", "shop")
		for _, name := range []string{"a_total", "b_total"} {
			w.prom.Store(t, name+`{namespace="shop",pod="shop-0"}`, 1, time.Now())
		}
	}
	// A file for each, as of two sources.
	served, signals := newWorld(t, rules, prepare), newWorld(t, shopApplication, prepare)
	for _, c := range []struct {
		name, metric, selector string
		of                     *world
		code                   int32
		want                   []string
	}{
		{"an operator without a counterpart", "a_total", "size>5", served, 400, []string{"a_total of pods in namespace shop", "the operator gt of the metric's selector has no counterpart in PromQL"}},
		{"the other one", "a_total", "size<5", served, 400, []string{"operator lt"}},
		{"of an external metric", "outside", "size>5", served, 400, []string{"outside in namespace shop", "operator gt"}},
		{"a signal with a selector", "orders", "size=5", signals, 400, []string{"the metric of a signal takes no selector", "(leave the selector out of the HPA"}},
		{"an external signal with a selector", "queue", "size=5", signals, 400, []string{"the metric of a signal takes no selector", "(leave the selector out of the HPA"}},
		{"values that the rule repeats", "repeats", "size in (" + strings.Repeat("s", 30) + "," + strings.Repeat("m", 30) + ")", served, 400, []string{"more than", "(repeat less"}},
		{"more labels than anyone means", "a_total", strings.Repeat("a,", 100) + "a", served, 400, []string{"more than 100 requirements", "(leave some out"}},
		{"a selector that can be", "a_total", "pod=shop-0", served, 0, nil},
		{"an unknown metric", "none", "size>5", served, 404, []string{"no rule makes this metric"}},
		{"two rules, whatever the selector", "twice", "size>5", served, 500, []string{"two rules make this metric"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			series, err := labels.Parse(c.selector)
			if err != nil {
				t.Fatal(err)
			}
			if c.metric == "outside" || c.metric == "queue" {
				_, err = external{c.of.api}.GetExternalMetric(t.Context(), "shop", series, provider.ExternalMetricInfo{Metric: c.metric})
			} else {
				_, err = c.of.values(question{namespace: "shop", resource: pods, metric: c.metric, selector: labels.Everything(), metricSelector: series})
			}
			if code(err) != c.code {
				t.Fatalf("got %d, want %d: %v", code(err), c.code, err)
			}
			var status *apierrors.StatusError
			if errors.As(err, &status) && (c.code == 400) != (status.ErrStatus.Reason == metav1.StatusReasonBadRequest) {
				t.Errorf("the reason is %s", status.ErrStatus.Reason)
			}
			for _, want := range c.want {
				if !strings.Contains(fmt.Sprint(err), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
}

// A template may write the objects' own names: then all of them are in the query, also where they are too many to be asked for by name.
func TestARuleThatWritesTheNamesGetsThemAllHoweverManyThereAre(t *testing.T) {
	rules := `rules:
  - seriesQuery: a_total
    resources: {template: "<<.Resource>>"}
    metricsQuery: sum(<<.Series>>{namespace="<<.LabelValuesByName.namespace>>",pod=~"<<.LabelValuesByName.pod>>"}) by (<<.GroupBy>>)
`
	w := newWorld(t, rules, func(w *world) {
		for i := range narrow + 10 {
			w.pod("shop", fmt.Sprintf("shop-%d", i), "shop")
			w.prom.Store(t, fmt.Sprintf(`a_total{namespace="shop",pod="shop-%d"}`, i), float64(i), time.Now())
		}
	})
	got, err := w.ask("shop", "a_total", "app", "")
	if err != nil || len(got) != narrow+10 || got["shop-55"] != "55" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := w.ask("shop", "a_total", "app!=shop", ""); code(err) != 404 || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("where none is chosen: %v", err)
	}
	if _, err := w.values(question{namespace: "shop", resource: schema.GroupResource{Resource: "pods"}, metric: "a_total", name: "shop-7",
		selector: labels.Everything(), metricSelector: labels.Everything()}); err != nil {
		t.Error(err)
	}
}
