package hpa_test

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

func TestATargetThatSomeoneScaledToZeroStaysThere(t *testing.T) {
	for name, least := range map[string]int32{"minimum 1": 1, "minimum 0": 0} {
		t.Run(name, func(t *testing.T) {
			d, after := hpa.Decide(wanting(0, 5, spec(least, 10)), hpa.State{})
			if d.Outcome != hpa.Disabled || d.Desired != 0 {
				t.Errorf("%s at %d: %s", d.Outcome, d.Desired, d.Reason())
			}
			if c := after.Condition(autoscalingv2.ScalingActive); c.Status != "False" || c.Reason != "ScalingDisabled" {
				t.Errorf("condition %+v", c)
			}
		})
	}
}

// toZero takes a service of three to zero replicas and returns what is remembered then.
func toZero(t *testing.T, settings hpa.Settings) hpa.State {
	t.Helper()
	in := wanting(3, 0, spec(0, 10))
	in.Settings, in.Settings.DownscaleStabilization = settings, 0
	d, state := hpa.Decide(in, hpa.State{Recommendations: ago(60, 0)})
	if d.Desired != 0 || d.Outcome != hpa.Computed {
		t.Fatalf("%s 3 → %d: %s", d.Outcome, d.Desired, d.Reason())
	}
	return state
}

func TestScaleToZeroAndBack(t *testing.T) {
	state := toZero(t, hpa.DefaultSettings())
	if c := state.Condition(autoscalingv2.ScaledToZero); c == nil || c.Status != "True" || c.Reason != "ScaledToZero" {
		t.Fatalf("condition %+v", c)
	}
	for name, c := range map[string]struct {
		least    int32
		target   autoscalingv2.MetricTarget
		value    int64
		want     int32
		behavior *autoscalingv2.HorizontalPodAutoscalerBehavior
	}{
		"still nothing to do":                 {0, target("2", ""), 0, 0, nil},
		"a value in units of its target":      {0, target("2", ""), 5000, 3, nil},
		"less than the target is one":         {0, target("2", ""), 1, 1, nil},
		"a shared value in units of its":      {0, target("", "2"), 7000, 4, nil},
		"no more than four at once":           {0, target("2", ""), 100000, 4, nil},
		"a minimum that was raised meanwhile": {2, target("2", ""), 0, 2, nil},
		"the same with a behavior":            {2, target("2", ""), 0, 2, behavior(nil, nil)},
		"no percentage of zero is any":        {0, target("2", ""), 5000, 0, behavior(policies(0, 0, 100, 60, 0), nil)},
	} {
		t.Run(name, func(t *testing.T) {
			in := wanting(0, 0, spec(c.least, 10))
			in.Spec.Metrics[0] = external(c.target)
			in.Readings[0] = values(c.value)
			in.Spec.Behavior = c.behavior
			in.Now = noon.Add(time.Minute)
			d, after := hpa.Decide(in, state)
			if d.Outcome != hpa.Computed || d.Desired != c.want {
				t.Fatalf("%s 0 → %d, want %d: %s", d.Outcome, d.Desired, c.want, d.Reason())
			}
			zero := after.Condition(autoscalingv2.ScaledToZero)
			if (zero.Status == "True") != (c.want == 0) {
				t.Errorf("condition %+v", zero)
			}
		})
	}
}

func TestWithoutTheFeatureZeroIsTheEnd(t *testing.T) {
	settings := hpa.DefaultSettings()
	settings.ScaleToZero = false
	state := toZero(t, settings)
	if c := state.Condition(autoscalingv2.ScaledToZero); c != nil {
		t.Errorf("condition %+v", c)
	}
	in := wanting(0, 5, spec(0, 10))
	in.Settings = settings
	if d, _ := hpa.Decide(in, state); d.Outcome != hpa.Disabled {
		t.Errorf("%s at %d", d.Outcome, d.Desired)
	}
}

func TestAPodsMetricKeepsNothingAtZero(t *testing.T) {
	state := toZero(t, hpa.DefaultSettings())
	in := wanting(0, 5, spec(0, 10))
	in.Spec.Metrics[0], in.Readings[0] = podsMetric("qps", "1"), samples(5000)
	if d, _ := hpa.Decide(in, state); d.Outcome != hpa.Disabled || d.Desired != 0 {
		t.Errorf("%s at %d: %s", d.Outcome, d.Desired, d.Reason())
	}
}
