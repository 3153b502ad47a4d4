package hpa

import (
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// rules is one direction of a spec's behavior with the gaps filled.
type rules struct {
	window   time.Duration
	choose   autoscalingv2.ScalingPolicySelect
	policies []autoscalingv2.HPAScalingPolicy
}

// defaultUp and defaultDown return the policies of pkg/apis/autoscaling/v2/defaults.go.
func defaultUp() []autoscalingv2.HPAScalingPolicy {
	return []autoscalingv2.HPAScalingPolicy{
		{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
		{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15},
	}
}

func defaultDown() []autoscalingv2.HPAScalingPolicy {
	return []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}
}

// behavior fills what the spec leaves out. It must have a behavior.
func (in *Input) behavior() (up, down rules) {
	up = fill(in.Spec.Behavior.ScaleUp, 0)
	if up.policies == nil {
		up.policies = defaultUp()
	}
	down = fill(in.Spec.Behavior.ScaleDown, in.Settings.DownscaleStabilization)
	if down.policies == nil {
		down.policies = defaultDown()
	}
	return up, down
}

func fill(given *autoscalingv2.HPAScalingRules, window time.Duration) rules {
	r := rules{window: window, choose: autoscalingv2.MaxChangePolicySelect}
	if given == nil {
		return r
	}
	if given.StabilizationWindowSeconds != nil {
		r.window = time.Duration(*given.StabilizationWindowSeconds) * time.Second
	}
	if given.SelectPolicy != nil {
		r.choose = *given.SelectPolicy
	}
	r.policies = given.Policies
	return r
}

// longest is the longest period of a policy: events that are older never count again.
func (r rules) longest() time.Duration {
	var s int32
	for _, p := range r.policies {
		s = max(s, p.PeriodSeconds)
	}
	return time.Duration(s) * time.Second
}

// ceiling is the number of replicas up to which the policies let current grow now, and the policy that says so: nil if
// growing is disabled.
func (r rules) ceiling(current int32, s *State, now time.Time) (int32, *autoscalingv2.HPAScalingPolicy) {
	if r.choose == autoscalingv2.DisabledPolicySelect {
		return current, nil
	}
	limit, policy := r.pick(r.choose == autoscalingv2.MinChangePolicySelect, func(p *autoscalingv2.HPAScalingPolicy) float64 {
		start := atPeriodStart(current, s, now, p.PeriodSeconds)
		if p.Type == autoscalingv2.PodsScalingPolicy {
			return start + float64(p.Value)
		}
		// Rounded up, or else a small target could never grow.
		return math.Ceil(start * (1 + float64(p.Value)/100))
	})
	return max(current, limit), policy
}

// floor is the number of replicas down to which the policies let current shrink now, and the policy that says so: nil if
// shrinking is disabled.
func (r rules) floor(current int32, s *State, now time.Time) (int32, *autoscalingv2.HPAScalingPolicy) {
	if r.choose == autoscalingv2.DisabledPolicySelect {
		return current, nil
	}
	limit, policy := r.pick(r.choose != autoscalingv2.MinChangePolicySelect, func(p *autoscalingv2.HPAScalingPolicy) float64 {
		start := atPeriodStart(current, s, now, p.PeriodSeconds)
		if p.Type == autoscalingv2.PodsScalingPolicy {
			return start - float64(p.Value)
		}
		return math.Trunc(start * (1 - float64(p.Value)/100))
	})
	return min(current, limit), policy
}

// pick returns the smallest or the largest of what the policies allow, and the first policy that allows just that.
func (r rules) pick(smallest bool, allowed func(*autoscalingv2.HPAScalingPolicy) float64) (int32, *autoscalingv2.HPAScalingPolicy) {
	limit := math.Inf(-1)
	if smallest {
		limit = math.Inf(1)
	}
	var policy *autoscalingv2.HPAScalingPolicy
	for i := range r.policies {
		p := &r.policies[i]
		if p.Type != autoscalingv2.PodsScalingPolicy && p.Type != autoscalingv2.PercentScalingPolicy {
			continue
		}
		if n := allowed(p); smallest && n < limit || !smallest && n > limit {
			limit, policy = n, p
		}
	}
	return saturated(limit), policy
}

// atPeriodStart undoes what was changed within the period.
func atPeriodStart(current int32, s *State, now time.Time, periodSeconds int32) float64 {
	return float64(int64(current) - changedWithin(s.ScaleUps, now, periodSeconds) + changedWithin(s.ScaleDowns, now, periodSeconds))
}

func saturated(f float64) int32 {
	return int32(math.Max(math.MinInt32, math.Min(math.MaxInt32, f)))
}

// defaultCeiling limits growth where the spec has no behavior: to the double, but four are always allowed.
func defaultCeiling(current int32) int32 {
	return saturated(math.Max(2*float64(current), 4))
}
