package metricsapi

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/kubeapi"
)

// A role that is missing is told at once, to the first who asks and to the others; waiting for the time-out would not bring it.
func TestObjectsThatMayNotBeListedAreAnErrorAtOnceUntilTheRightIsGiven(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		w.kube.Put("/api/v1/namespaces/shop/services/web", kubeapi.Object{})
		w.kube.Forbid("/api/v1/services")
		w.prom.Store(t, `a_total{namespace="shop",service="web"}`, 3, time.Now())
	}, func(o *Options) { o.ValueTimeout = time.Hour })
	q := question{
		namespace: "shop", resource: schema.GroupResource{Resource: "services"}, metric: "a_total", selector: labels.Everything(), metricSelector: labels.Everything(),
	}
	for _, who := range []string{"the first", "another one"} {
		answered := make(chan error, 1)
		go func() { _, err := w.values(q); answered <- err }()
		await.True(t, who+" is answered", func() bool { return len(answered) == 1 })
		err := <-answered
		if code(err) != 503 || !strings.Contains(err.Error(), "services cannot be listed") ||
			!strings.Contains(err.Error(), "allow the adapter's service account to list and watch services") {
			t.Errorf("%s: got %v", who, err)
		}
	}
	w.kube.Forbid("")
	await.True(t, "what is allowed now is answered", func() bool {
		got, err := w.values(q)
		return err == nil && got["web"] == "3"
	})
}
