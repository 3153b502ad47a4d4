package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/history"
)

// noon is when the histories of the tests begin.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// story writes a history: samples of series at a distance.
type story struct{ text strings.Builder }

// every adds a sample of the series every step for as long as value is ok.
func (s *story) every(step, long time.Duration, series string, value func(since time.Duration) (float64, bool)) *story {
	for since := time.Duration(0); since <= long; since += step {
		if v, ok := value(since); ok {
			fmt.Fprintf(&s.text, "%s %g %.3f\n", series, v, float64(noon.Add(since).UnixMilli())/1000)
		}
	}
	return s
}

func (s *story) source(t *testing.T) *history.Source {
	t.Helper()
	h := history.New()
	if err := h.Read("story", "", strings.NewReader(s.text.String()+"# EOF\n")); err != nil {
		t.Fatal(err)
	}
	source := h.Source()
	t.Cleanup(func() { source.Close() })
	return source
}

func always(v float64) func(time.Duration) (float64, bool) {
	return func(time.Duration) (float64, bool) { return v, true }
}

// from is v from a time on, and nothing before.
func from(begin time.Duration, v float64) func(time.Duration) (float64, bool) {
	return func(since time.Duration) (float64, bool) { return v, since >= begin }
}

// steps is the last of the values whose time has come.
func steps(pairs ...any) func(time.Duration) (float64, bool) {
	return func(since time.Duration) (v float64, ok bool) {
		for i := 0; i < len(pairs); i += 2 {
			if since >= pairs[i].(time.Duration) {
				switch n := pairs[i+1].(type) {
				case int:
					v, ok = float64(n), true
				case float64:
					v, ok = n, true
				case nil:
					ok = false
				}
			}
		}
		return v, ok
	}
}

// perPod is a spec of one Pods metric called load.
func perPod(least, most int32, target string) autoscalingv2.HorizontalPodAutoscalerSpec {
	q := resource.MustParse(target)
	return autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"},
		MinReplicas:    &least, MaxReplicas: most,
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "load"},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &q},
		}}},
	}
}

func external(least, most int32, target autoscalingv2.MetricTarget) autoscalingv2.HorizontalPodAutoscalerSpec {
	spec := perPod(least, most, "1")
	spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "load"}, Target: target,
	}}}
	return spec
}

// options replays so much time after noon.
func options(spec autoscalingv2.HorizontalPodAutoscalerSpec, long time.Duration) replay.Options {
	return replay.Options{Namespace: "shops", Name: "shop", Spec: spec, Questions: []replay.Question{{Expr: "load"}}, From: noon, To: noon.Add(long)}
}

func run(t *testing.T, source replay.Source, o replay.Options) *replay.Report {
	t.Helper()
	report, err := replay.Run(t.Context(), source, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func scenario(t *testing.T, r *replay.Report, name string) replay.Scenario {
	t.Helper()
	for _, s := range r.Scenarios {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no scenario %s in %v", name, r.Scenarios)
	return replay.Scenario{}
}

// changes writes the events of a scenario: "15s scaledUp 1→2".
func changes(s replay.Scenario) (out []string) {
	for _, e := range s.Events {
		out = append(out, fmt.Sprintf("%s %s %d→%d", e.At.Sub(noon), e.Kind, e.From, e.To))
	}
	return out
}
