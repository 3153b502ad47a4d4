package metricsapi

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/test/await"
)

// TestK11OneQueryForAllPodsAndNoListOfThem also holds what the query says: no name of a pod.
func TestK11OneQueryForAllPodsAndNoListOfThem(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		for i := range 200 {
			w.pod("default", fmt.Sprintf("clicks-%d", i), "clicks")
			w.prom.Store(t, fmt.Sprintf(`a_total{namespace="default",pod="clicks-%d"}`, i), float64(i), time.Now())
		}
		// What else is there in the namespace comes with the answer, and must not go on: not even its NaN.
		w.pod("default", "other-0", "other")
		w.prom.Store(t, `a_total{namespace="default",pod="other-0"}`, math.NaN(), time.Now())
		w.prom.Store(t, `a_total{namespace="default",pod="gone-0"}`, math.Inf(1), time.Now())
	})
	listed := len(w.kube.Requests("GET /api/v1/pods"))
	got, err := w.ask("default", "a_total", "app=clicks", "")
	if err != nil || len(got) != 200 || got["clicks-7"] != "7" {
		t.Fatalf("got %d values, %v", len(got), err)
	}
	if queries := w.prom.Queries(); len(queries) != 1 || strings.Contains(queries[0], "clicks-") || !strings.Contains(queries[0], `namespace="default"`) {
		t.Errorf("asked %q", queries)
	}
	if now := len(w.kube.Requests("GET /api/v1/pods")); now != listed {
		t.Errorf("pods were listed %d times for it", now-listed)
	}
}

func TestEqualRequestsAtTheSameMomentAreOneQuery(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, time.Now())
	})
	release := make(chan struct{})
	w.prom.Fail(func(_ http.ResponseWriter, _ *http.Request) bool { <-release; return false })
	q := question{namespace: "default", resource: schema.GroupResource{Resource: "pods"}, metric: "a_total", selector: labels.Everything(), metricSelector: labels.Everything()}
	var group sync.WaitGroup
	answers := make(chan *answer, 20)
	for range 20 {
		group.Go(func() {
			a, err := w.api.custom(t.Context(), q)
			if err != nil {
				t.Error(err)
			}
			answers <- a
		})
	}
	await.True(t, "all have asked", func() bool { return len(w.api.slots) == 20 })
	close(release)
	group.Wait()
	first := <-answers
	for range 19 {
		if a := <-answers; a != first {
			t.Error("an answer is another one")
		}
	}
	if queries := w.prom.Queries(); len(queries) != 1 {
		t.Errorf("asked %d times", len(queries))
	}
	// An answer is encoded once for each version.
	one, _, _, err := first.InputStream(t.Context(), "custom.metrics.k8s.io/v1beta1", "application/json")
	if err != nil {
		t.Fatal(err)
	}
	one.Close()
	if _, _, _, err := first.InputStream(t.Context(), "custom.metrics.k8s.io/v1beta1", "application/json"); err != nil || len(first.encoded) != 1 {
		t.Errorf("%d encodings, %v", len(first.encoded), err)
	}
	if _, _, _, err := first.InputStream(t.Context(), "custom.metrics.k8s.io/v1beta1", "text/html"); err == nil {
		t.Error("HTML is offered")
	}
}

func TestMoreRequestsThanTheLimitAreTurnedAwayAtOnce(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, time.Now())
	}, func(o *Options) { o.MaxRequests = 1 })
	release := make(chan struct{})
	w.prom.Fail(func(_ http.ResponseWriter, _ *http.Request) bool { <-release; return false })
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := w.ask("default", "a_total", "", ""); err != nil {
			t.Error(err)
		}
	})
	await.True(t, "the first has asked", func() bool { return len(w.api.slots) == 1 })
	if _, err := w.ask("default", "a_total", "", ""); code(err) != 429 {
		t.Errorf("got %v", err)
	}
	close(release)
	group.Wait()
}

// TestOneFailingListHidesNoOtherMetric: prometheus-adapter forgets all of them.
func TestOneFailingListHidesNoOtherMetric(t *testing.T) {
	rules := `rules:
  - seriesQuery: a_total
    resources: {template: "<<.Resource>>"}
    metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
  - seriesQuery: b_total
    resources: {template: "<<.Resource>>"}
    metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`
	w := newWorld(t, rules, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, time.Now())
		w.prom.Store(t, `b_total{namespace="default",pod="clicks-0"}`, 2, time.Now())
		w.prom.Fail(func(rw http.ResponseWriter, req *http.Request) bool {
			broken := strings.Contains(req.Form.Get("match[]"), "b_total")
			if broken {
				rw.WriteHeader(http.StatusInternalServerError)
			}
			return broken
		})
	})
	if got, err := w.ask("default", "a_total", "", ""); err != nil || got["clicks-0"] != "1" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := w.ask("default", "b_total", "", ""); code(err) != 503 || !strings.Contains(err.Error(), "not known yet") {
		t.Errorf("what is not known yet: %v", err)
	}
	// Now the first one breaks and the second one mends: nothing is lost.
	w.prom.Fail(func(rw http.ResponseWriter, req *http.Request) bool {
		broken := strings.Contains(req.Form.Get("match[]"), "a_total")
		if broken {
			rw.WriteHeader(http.StatusInternalServerError)
		}
		return broken
	})
	round := &relistLoop{of: w.api.relist, looks: secondLooks{}} // beside the loop that runs, whose looks are its own
	round.ask(t.Context(), true)
	for metric, want := range map[string]string{"a_total": "1", "b_total": "2"} {
		if got, err := w.ask("default", metric, "", ""); err != nil || got["clicks-0"] != want {
			t.Errorf("%s: got %v, %v", metric, got, err)
		}
	}
}
