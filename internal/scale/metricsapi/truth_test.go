package metricsapi

import (
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

func TestK2AValueThatIsNoNumberIsAnErrorOfTheWholeList(t *testing.T) {
	for name, c := range map[string]struct {
		value float64
		fails string
		code  int32
		want  string
	}{
		"NaN":      {math.NaN(), "clicks-0: the value is NaN", 500, ""},
		"infinite": {math.Inf(1), "clicks-0: the value is infinite", 500, ""},
		"too much": {1e19, "clicks-0: the value 1e+19 is beyond what a quantity can hold", 500, ""},
		"negative": {-1.5, "", 0, "-1500m"},
		"zero":     {0, "", 0, "0"},
		"tiny":     {0.0004, "", 0, "400u"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, plain, func(w *world) {
				w.pod("default", "clicks-0", "clicks")
				w.pod("default", "clicks-1", "clicks")
				w.pod("default", "other-0", "other")
				w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, c.value, time.Now())
				w.prom.Store(t, `a_total{namespace="default",pod="clicks-1"}`, 1, time.Now())
				w.prom.Store(t, `a_total{namespace="default",pod="other-0"}`, 2, time.Now())
			})
			got, err := w.ask("default", "a_total", "app=clicks", "")
			if c.fails == "" {
				if err != nil || !maps.Equal(got, map[string]string{"clicks-0": c.want, "clicks-1": "1"}) {
					t.Errorf("got %v, %v", got, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.fails) || code(err) != c.code {
				t.Errorf("got %v, %d %v", got, code(err), err)
			}
			// What another application has is no business of this one.
			if got, err := w.ask("default", "a_total", "app=other", ""); err != nil || got["other-0"] != "2" {
				t.Errorf("the other one got %v, %v", got, err)
			}
		})
	}
}

func TestK3OnlyPodsThatHaveDataAreInAList(t *testing.T) {
	now := time.Now()
	w := newWorld(t, plain, func(w *world) {
		for _, name := range []string{"clicks-0", "clicks-1", "clicks-2", "clicks-3"} {
			w.pod("default", name, "clicks")
		}
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, now.Add(-70*time.Second))
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-1"}`, 2, now.Add(-10*time.Second))
		w.prom.Store(t, `a_total{namespace="default",pod="gone"}`, 3, now)
		w.prom.Store(t, `b_total{namespace="default",pod="clicks-0"}`, 4, now.Add(-8*time.Minute))
	})
	got, err := w.ask("default", "a_total", "", "")
	if err != nil || !maps.Equal(got, map[string]string{"clicks-0": "1", "clicks-1": "2"}) {
		t.Errorf("got %v, %v", got, err)
	}
	q := question{namespace: "default", resource: schema.GroupResource{Resource: "pods"}, name: "clicks-0", metric: "a_total", selector: labels.Everything(), metricSelector: labels.Everything()}
	a, err := w.api.custom(t.Context(), q)
	if err != nil || len(a.list.Items) != 1 {
		t.Fatalf("got %v", err)
	}
	if at := a.list.Items[0].Timestamp.Time; at.UnixMilli() != now.Add(-70*time.Second).UnixMilli() {
		t.Errorf("the sample is of %v, told is %v", now.Add(-70*time.Second), at)
	}
	for what, metric := range map[string]string{"a series without fresh samples": "b_total", "no series": "c_total"} {
		if got, err := w.ask("default", metric, "", ""); code(err) != 404 {
			t.Errorf("%s: got %v, %v", what, got, err)
		}
	}
	if got, err := w.ask("default", "a_total", "app=none", ""); code(err) != 404 || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("no pods: got %v, %v", got, err)
	}
}

func TestK3ASampleOlderThanTheLimitIsAnError(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, time.Now().Add(-90*time.Second))
	}, func(o *Options) { o.ValueMaxAge = time.Minute })
	if got, err := w.ask("default", "a_total", "", ""); code(err) != 500 || !strings.Contains(err.Error(), "clicks-0: the newest sample is 1m") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestK2K3WhyAValueIsNoneIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		rules string
		value float64
		age   time.Duration
		want  result
	}{
		"NaN":     {plain, math.NaN(), 0, badValue},
		"old":     {plain, 1, 90 * time.Second, tooOld},
		"several": {strings.Replace(plain, "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)", "<<.Series>>{<<.LabelMatchers>>}", 1), 1, 0, badValue},
		"both":    {plain, math.NaN(), 90 * time.Second, badValue},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.rules, func(w *world) {
				w.pod("default", "clicks-0", "clicks")
				for _, path := range []string{"/", "/cart"} {
					w.prom.Store(t, `a_total{namespace="default",pod="clicks-0",path="`+path+`"}`, c.value, time.Now().Add(-c.age))
				}
			}, func(o *Options) { o.ValueMaxAge = time.Minute })
			_, err := w.ask("default", "a_total", "", "")
			if got := testutil.ToFloat64(w.api.o.Metrics.requests.WithLabelValues("custom", string(c.want))); got != 1 {
				t.Errorf("%v is not counted as %s", err, c.want)
			}
		})
	}
}

func TestK12TwoSeriesOfOneNameAreAnErrorThatNamesBoth(t *testing.T) {
	rules := plain + `  - seriesQuery: b_total
    resources: {template: "<<.Resource>>"}
    name: {as: a_total}
    metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`
	w := newWorld(t, rules, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		for _, series := range []string{"a_total", "b_total", "c_total"} {
			w.prom.Store(t, series+`{namespace="default",pod="clicks-0"}`, 1, time.Now())
		}
	})
	_, err := w.ask("default", "a_total", "", "")
	if code(err) != 500 || !strings.Contains(err.Error(), "config.yaml:2:5") || !strings.Contains(err.Error(), "config.yaml:5:5") {
		t.Errorf("got %v", err)
	}
	if got, err := w.ask("default", "c_total", "", ""); err != nil || got["clicks-0"] != "1" {
		t.Errorf("the others suffer: %v, %v", got, err)
	}
}

// What it takes to ask the API server whether somebody may ask is part of the time for an answer.
func TestK1TheTimeForAnAnswerBeginsWhenTheRequestComes(t *testing.T) {
	rules := plain + `externalRules:
  - {seriesQuery: a_total, resources: {template: "<<.Resource>>"}, name: {as: outside}, metricsQuery: "sum(a_total{<<.LabelMatchers>>})"}
`
	w := newWorld(t, rules, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, time.Now())
	}, func(o *Options) { o.ValueTimeout = time.Hour })
	everything := labels.Everything()
	for name, c := range map[string]struct {
		before time.Duration
		code   int32
	}{
		"a request of now":            {0, 0},
		"one that has some time left": {50 * time.Minute, 0},
		"one whose time is up":        {time.Hour, 504},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := request.WithReceivedTimestamp(t.Context(), time.Now().Add(-c.before))
			q := question{namespace: "default", resource: pods, metric: "a_total", selector: everything, metricSelector: everything}
			if _, err := w.api.custom(ctx, q); code(err) != c.code {
				t.Errorf("custom: got %v", err)
			}
			if _, err := (external{w.api}).GetExternalMetric(ctx, "default", everything, provider.ExternalMetricInfo{Metric: "outside"}); code(err) != c.code {
				t.Errorf("external: got %v", err)
			}
		})
	}
}
