package hpadiff

import (
	"maps"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// faults are mistakes that an algorithm could have, planted from outside: it is told something that is not so.
var faults = map[string]func(*hpa.Input, *hpa.State){
	"tolerance: a thousandth wider": func(in *hpa.Input, _ *hpa.State) { in.Settings.Tolerance += 0.001 },
	"tolerance: the behavior's ignored": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		r.Tolerance = nil
	}),
	"tolerance: the behavior's, a thousandth narrower": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		if t := r.Tolerance; t != nil && t.Sign() > 0 {
			r.Tolerance = resource.NewMilliQuantity(t.MilliValue()-1, resource.DecimalSI)
		}
	}),
	"policy: one more": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		for i := range r.Policies {
			r.Policies[i].Value++
		}
	}),
	"policy: a second longer": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		for i := range r.Policies {
			r.Policies[i].PeriodSeconds++
		}
	}),
	"policy: the last one ignored": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		if n := len(r.Policies); n > 1 {
			r.Policies = r.Policies[:n-1]
		}
	}),
	"policy: the other one selected": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		choice := autoscalingv2.MinChangePolicySelect
		if r.SelectPolicy != nil && *r.SelectPolicy == choice {
			choice = autoscalingv2.MaxChangePolicySelect
		}
		r.SelectPolicy = &choice
	}),
	"policy: earlier growth forgotten":    func(_ *hpa.Input, s *hpa.State) { s.ScaleUps = nil },
	"policy: earlier shrinking forgotten": func(_ *hpa.Input, s *hpa.State) { s.ScaleDowns = nil },
	"stabilisation: of the settings, a second shorter": func(in *hpa.Input, _ *hpa.State) {
		in.Settings.DownscaleStabilization = max(0, in.Settings.DownscaleStabilization-time.Second)
	},
	"stabilisation: of the behavior, a second longer": behaviorFault(func(r *autoscalingv2.HPAScalingRules) {
		if w := r.StabilizationWindowSeconds; w != nil {
			longer := *w + 1
			r.StabilizationWindowSeconds = &longer
		}
	}),
	"stabilisation: the edge of the window belongs to it": func(_ *hpa.Input, s *hpa.State) {
		moved := make([]hpa.Recommendation, len(s.Recommendations))
		for i, r := range s.Recommendations {
			moved[i] = hpa.Recommendation{Replicas: r.Replicas, Time: r.Time.Add(time.Nanosecond)}
		}
		s.Recommendations = moved
	},
	"stabilisation: none after a start": func(in *hpa.Input, s *hpa.State) {
		if len(s.Recommendations) == 0 {
			s.Recommendations = []hpa.Recommendation{{Time: in.Now.Add(-time.Hour)}}
		}
	},
	"pods: those without sample do not exist": func(in *hpa.Input, _ *hpa.State) {
		var known []hpa.Pod
		for _, p := range in.Pods {
			for _, r := range in.Readings {
				if _, found := r.Pods[p.Name]; found {
					known = append(known, p)
					break
				}
			}
		}
		in.Pods = known
	},
	"pods: those that go count": func(in *hpa.Input, _ *hpa.State) {
		pods := make([]hpa.Pod, len(in.Pods))
		for i, p := range in.Pods {
			p.Deleting = false
			pods[i] = p
		}
		in.Pods = pods
	},
	"K10: what is not known is left out": func(in *hpa.Input, _ *hpa.State) {
		spec, readings := in.Spec.DeepCopy(), []hpa.Reading(nil)
		spec.Metrics = nil
		for i, r := range in.Readings {
			if r.Err == nil {
				spec.Metrics, readings = append(spec.Metrics, in.Spec.Metrics[i]), append(readings, r)
			}
		}
		if len(readings) > 0 {
			in.Spec, in.Readings = spec, readings
		}
	},
	"zero: who scaled to it is forgotten": func(_ *hpa.Input, s *hpa.State) {
		var kept []autoscalingv2.HorizontalPodAutoscalerCondition
		for _, c := range s.Conditions {
			if c.Type == autoscalingv2.ScaledToZero && c.Status == "True" {
				c.Status = "False"
			}
			kept = append(kept, c)
		}
		s.Conditions = kept
	},
}

// behaviorFault changes both directions of a behavior.
func behaviorFault(change func(*autoscalingv2.HPAScalingRules)) func(*hpa.Input, *hpa.State) {
	return func(in *hpa.Input, _ *hpa.State) {
		if in.Spec.Behavior == nil {
			return
		}
		in.Spec = in.Spec.DeepCopy()
		for _, r := range []*autoscalingv2.HPAScalingRules{in.Spec.Behavior.ScaleUp, in.Spec.Behavior.ScaleDown} {
			if r != nil {
				change(r)
			}
		}
	}
}

// Every fault shows in the replicas alone, not only in what is told about them.
func TestAPlantedFaultIsFound(t *testing.T) {
	const most = 300
	missing := maps.Clone(faults)
	for _, on := range []bool{false, true} {
		featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.HPAScaleToZero, on)
		for seed := uint64(1); seed <= most && len(missing) > 0; seed++ {
			if h := newHistory(seed, *syncs); h.scaleToZero() == on {
				h.find(t, missing)
			}
		}
	}
	for name := range missing {
		t.Errorf("%s: %d histories did not show it", name, most)
	}
}

// find goes through the history with all faults at once and takes away those that show.
func (h history) find(t *testing.T, missing map[string]func(*hpa.Input, *hpa.State)) {
	t.Helper()
	states := map[string]hpa.State{}
	h.run(t, func(t *testing.T, step int, o *observation) bool {
		for name, plant := range missing {
			in, state := o.in, states[name]
			if o.restart {
				state = hpa.State{Conditions: state.Conditions}
			}
			plant(&in, &state)
			d, after := hpa.Decide(in, state)
			states[name] = after
			if d.Desired != o.replicas {
				t.Logf("%s: history %d, sync %d: %d instead of %d", name, h.seed, step, d.Desired, o.replicas)
				delete(missing, name)
			}
		}
		return len(missing) > 0
	})
}
