package replay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
)

const sync = 15 * time.Second

// decisions runs and returns a scenario's decisions.
func decisions(t *testing.T, s *story, o replay.Options, scenario string) (all []hpa.Decision) {
	t.Helper()
	o.Each = func(name string, d hpa.Decision) error {
		if name == scenario {
			all = append(all, d)
		}
		return nil
	}
	run(t, s.source(t), o)
	return all
}

func values(all []hpa.Decision) (out []string) {
	for _, d := range all {
		if d.Metrics[0].Err != nil {
			out = append(out, "?")
		} else {
			out = append(out, d.Metrics[0].Current.String())
		}
	}
	return out
}

func TestTheLoadOfPodsIsKeptAndSpread(t *testing.T) {
	s := &story{}
	s.every(sync, 2*minute, `load{pod="a"}`, always(7))
	s.every(sync, 2*minute, `load{pod="b"}`, always(14))
	o := options(perPod(1, 10, "10"), 45*time.Second)
	o.Replicas = 3
	o.Startup = 20 * time.Second
	got := decisions(t, s, o, "simulated")
	// 21 over three pods.
	if diff := cmp.Diff([]string{"7", "7", "7", "7"}, values(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAPodThatServesWithoutASampleCarriesAShare(t *testing.T) {
	s := kubeState(&story{}, 2*minute, always(3), map[string]time.Duration{"shop-a": 0, "shop-b": 0, "shop-c": 0})
	s.every(sync, 2*minute, `load{pod="shop-a"}`, always(10))
	s.every(sync, 2*minute, `load{pod="shop-b"}`, always(10))
	o := options(perPod(3, 3, "10"), minute)
	got := decisions(t, s, o, "simulated")
	// Readiness is recorded from 30 s on: the third then carries as much as the others.
	if diff := cmp.Diff([]string{"6666m", "6666m", "10", "10", "10"}, values(got)); diff != "" {
		t.Error(diff)
	}
}

func TestATotalStaysAsItIs(t *testing.T) {
	q := resource.MustParse("10")
	s := (&story{}).every(sync, 2*minute, "load", always(60))
	o := options(external(1, 10, autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &q}), minute)
	o.Replicas = 2
	got := decisions(t, s, o, "simulated")
	// 60 over two, four, six: the number that exists, ready or not.
	if diff := cmp.Diff([]string{"30", "15", "10", "10", "10"}, values(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAPlainValueFallsWithThePods(t *testing.T) {
	q := resource.MustParse("100")
	s := kubeState(&story{}, 3*minute, always(2), map[string]time.Duration{"shop-a": 0, "shop-b": 0})
	s.every(sync, 3*minute, "load", always(200))
	o := options(external(1, 10, autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &q}), 2*minute)
	got := decisions(t, s, o, "simulated")
	// Twice the target with two pods is the target with four; until the pods are ready in the record it stays as it was measured.
	if got[0].Desired != 4 || got[0].Metrics[0].Current.String() != "200" {
		t.Errorf("at first %s, %d", got[0].Metrics[0].Current, got[0].Desired)
	}
	if last := got[len(got)-1]; last.Desired != 4 || last.Metrics[0].Current.String() != "100" {
		t.Errorf("in the end %s, %d", last.Metrics[0].Current, last.Desired)
	}
	report := run(t, s.source(t), o)
	if !strings.Contains(strings.Join(report.Assumptions, "\n"), "load has a plain value") {
		t.Error("the report does not say what it takes for granted:", report.Assumptions)
	}
}

func TestWhatIsNotKnownHoldsInEveryScenario(t *testing.T) {
	for name, c := range map[string]struct {
		load func(time.Duration) (float64, bool)
		says string
	}{
		"a gap":    {func(since time.Duration) (float64, bool) { return 10, since < minute || since > 10*minute }, "the query found nothing"},
		"infinite": {func(since time.Duration) (float64, bool) { return 10 / (1 - step(since >= minute)), true }, "the value is infinite"},
		"negative": {func(since time.Duration) (float64, bool) { return 10 - 20*step(since >= minute), true }, "the value -10 is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			s := kubeState(&story{}, 12*minute, always(2), map[string]time.Duration{"shop-a": 0, "shop-b": 0})
			s.every(sync, 12*minute, `load{pod="shop-a"}`, c.load)
			s.every(sync, 12*minute, `load{pod="shop-b"}`, c.load)
			report := run(t, s.source(t), options(perPod(1, 10, "10"), 9*minute))
			for _, scenario := range report.Scenarios {
				if scenario.Summary.Held == 0 || scenario.Summary.Least != 2 || scenario.Summary.Most != 2 {
					t.Errorf("%s: %+v", scenario.Name, scenario.Summary)
				}
				if len(scenario.Holds) != 1 || scenario.Holds[0].Reason != c.says || scenario.Holds[0].Metric != "load" {
					t.Errorf("%s: %v", scenario.Name, scenario.Holds)
				}
			}
		})
	}
}

func step(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func TestCPUIsAShareOfTheRequests(t *testing.T) {
	percent := int32(50)
	spec := perPod(1, 10, "1")
	spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}}
	s := &story{}
	pods := map[string]time.Duration{"shop-7d9c-a": 0, "shop-7d9c-b": 0}
	kubeState(s, 20*minute, always(2), pods)
	used := map[string]float64{}
	for pod := range pods {
		in := `namespace="shops",pod="` + pod + `",container="web"`
		s.every(sync, 20*minute, "container_cpu_usage_seconds_total{"+in+"}", func(time.Duration) (float64, bool) { used[pod] += 0.403 * 15; return used[pod], true })
		s.every(sync, 20*minute, `kube_pod_container_resource_requests{`+in+`,resource="cpu"}`, always(0.5))
		s.every(sync, 20*minute, `kube_pod_start_time{namespace="shops",pod="`+pod+`"}`, always(float64(noon.Unix()-3600)))
	}
	o := options(spec, 10*minute)
	o.From = noon.Add(5 * minute)
	usage := replay.ResourceUsage("shops", "shop", &spec.Metrics[0])
	usage.Requests = replay.ResourceRequests("shops", &spec.Metrics[0])
	o.Questions = []replay.Question{usage}
	got := decisions(t, s, o, "recorded")
	// 0.4 of 0.5 is 80 %, and 80/50 of two pods is four.
	if d := got[0]; d.Desired != 4 || d.Metrics[0].Current.String() != "80%" {
		t.Errorf("%d: %s", d.Desired, d.Reason())
	}
	got = decisions(t, s, o, "simulated")
	if d := got[len(got)-1]; d.Current != 4 || d.Metrics[0].Current.String() != "40%" {
		t.Errorf("four pods: %d: %s", d.Current, d.Reason())
	}
}
