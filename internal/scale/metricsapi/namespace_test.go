package metricsapi

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Who may read metrics in a namespace may not read what is outside of it: the path /namespaces/shop/namespaces/park/a_total is
// authorised in shop.
func TestNothingOutsideOfTheNamespaceIsReadThroughIt(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		w.prom.Store(t, `a_total{namespace="park",node="n1",persistentvolume="v1",pod="park-0"}`, 3, time.Now())
	})
	for _, c := range []struct {
		namespace, resource, name string
		code                      int32
	}{
		{"", "namespaces", "park", 0},
		{"", "nodes", "n1", 0},
		{"park", "pods", "park-0", 0},
		{"shop", "namespaces", "park", 404},
		{"park", "namespaces", "park", 404},
		{"shop", "nodes", "n1", 404},
		{"shop", "persistentvolumes", "v1", 404},
		{"", "pods", "park-0", 404},
	} {
		t.Run(c.resource+" in "+c.namespace, func(t *testing.T) {
			got, err := w.values(question{
				namespace: c.namespace, resource: schema.GroupResource{Resource: c.resource}, name: c.name, metric: "a_total",
				selector: labels.Everything(), metricSelector: labels.Everything(),
			})
			if code(err) != c.code || (err == nil) != (got[c.name] == "3") {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestARequestForNoMetricBeginsNoWatch(t *testing.T) {
	w := newWorld(t, plain, func(*world) {})
	_, err := w.values(question{
		namespace: "shop", resource: schema.GroupResource{Resource: "services"}, metric: "a_total", selector: labels.Everything(), metricSelector: labels.Everything(),
	})
	if code(err) != 404 {
		t.Error(err)
	}
	for _, s := range w.api.watches.states() {
		if s.resource != "pods" {
			t.Errorf("%s are watched", s.resource)
		}
	}
}
