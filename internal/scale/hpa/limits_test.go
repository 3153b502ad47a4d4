package hpa_test

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// policies returns rules with the given window, by Max: pods within a period, and percent within a period; 0 leaves out.
func policies(pods, podsPeriod, percent, percentPeriod, window int32) *autoscalingv2.HPAScalingRules {
	r := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &window}
	if pods != 0 {
		r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: pods, PeriodSeconds: podsPeriod})
	}
	if percent != 0 {
		r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: percent, PeriodSeconds: percentPeriod})
	}
	return r
}

func selecting(r *autoscalingv2.HPAScalingRules, s autoscalingv2.ScalingPolicySelect) *autoscalingv2.HPAScalingRules {
	r.SelectPolicy = &s
	return r
}

func behavior(up, down *autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: up, ScaleDown: down}
}

// changes spreads scale events over the last two minutes, each in the middle of its share.
func changes(n ...int32) []hpa.ScaleEvent {
	share := 120 * time.Second / time.Duration(len(n))
	events := make([]hpa.ScaleEvent, len(n))
	for i, c := range n {
		events[i] = hpa.ScaleEvent{Change: c, Time: noon.Add(-120*time.Second + share*time.Duration(i) + share/2)}
	}
	return events
}

// wanting returns an input whose metric asks for the given number: an external value that is its own target's multiple.
func wanting(current, wanted int32, s *autoscalingv2.HorizontalPodAutoscalerSpec) hpa.Input {
	s.Metrics = []autoscalingv2.MetricSpec{external(target("", "1"))}
	return hpa.Input{Namespace: "default", Spec: s, Replicas: current, Observed: current, Pods: serving(int(current)),
		Readings: []hpa.Reading{values(int64(wanted) * 1000)}, Settings: hpa.DefaultSettings(), Now: noon}
}

// The situations are those of Kubernetes' TestConvertDesiredReplicasWithRules and TestScalingWithRules, and more; the
// numbers are worked out in the comments.
func TestLimits(t *testing.T) {
	const dflt = "no behavior"
	empty := func() *autoscalingv2.HorizontalPodAutoscalerBehavior { return behavior(nil, nil) }
	up := func(r *autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		return behavior(r, nil)
	}
	down := func(r *autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		return behavior(nil, r)
	}
	minChange, disabled := autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect
	for name, c := range map[string]struct {
		least, most, current, wanted int32
		behavior                     *autoscalingv2.HorizontalPodAutoscalerBehavior
		ups, downs                   []hpa.ScaleEvent
		want                         int32
		reason                       string
	}{
		dflt + ", within the bounds":                 {least: 3, most: 8, current: 5, wanted: 7, want: 7, reason: "DesiredWithinRange"},
		dflt + ", below the minimum":                 {least: 2, most: 8, current: 3, wanted: 1, want: 2, reason: "TooFewReplicas"},
		dflt + ", above the maximum":                 {least: 1, most: 10, current: 9, wanted: 1000, want: 10, reason: "TooManyReplicas"},
		dflt + ", at most the double":                {least: 1, most: 2000, current: 10, wanted: 1000, want: 20, reason: "ScaleUpLimit"},
		dflt + ", but four are always allowed":       {least: 1, most: 2000, current: 1, wanted: 1000, want: 4, reason: "ScaleUpLimit"},
		dflt + ", to zero":                           {least: 0, most: 10, current: 1, wanted: 0, want: 0, reason: "DesiredWithinRange"},
		"behavior, within the bounds":                {least: 3, most: 8, current: 5, wanted: 7, behavior: empty(), want: 7, reason: "DesiredWithinRange"},
		"behavior, below the minimum":                {least: 2, most: 8, current: 3, wanted: 1, behavior: empty(), want: 2, reason: "TooFewReplicas"},
		"behavior, above the maximum":                {least: 100, most: 150, current: 100, wanted: 1000, behavior: empty(), want: 150, reason: "TooManyReplicas"},
		"defaults, the double":                       {least: 1, most: 1000, current: 10, wanted: 50, behavior: empty(), want: 20, reason: "ScaleUpLimit"},
		"defaults, four more":                        {least: 1, most: 1000, current: 2, wanted: 50, behavior: empty(), want: 6, reason: "ScaleUpLimit"},
		"defaults, all the way down":                 {least: 1, most: 1000, current: 100, wanted: 2, behavior: empty(), want: 2, reason: "DesiredWithinRange"},
		"up: one percent is at least one":            {least: 1, most: 2000, current: 3, wanted: 1000, behavior: up(policies(0, 0, 1, 60, 0)), want: 4, reason: "ScaleUpLimit"},                        // ⌈3.03⌉
		"up: pods beat percent":                      {least: 1, most: 1000, current: 10, wanted: 500, behavior: up(policies(100, 60, 100, 60, 0)), want: 110, reason: "ScaleUpLimit"},                 // 10+100
		"up: percent beat pods":                      {least: 1, most: 1000, current: 10, wanted: 500, behavior: up(policies(2, 60, 100, 60, 0)), want: 20, reason: "ScaleUpLimit"},                    // 10×2
		"up: the smaller of both":                    {least: 1, most: 1000, current: 1, wanted: 500, behavior: up(selecting(policies(2, 60, 50, 60, 0), minChange)), want: 2, reason: "ScaleUpLimit"}, // ⌈1.5⌉ < 3
		"up: disabled":                               {least: 1, most: 1000, current: 10, wanted: 500, behavior: up(selecting(policies(2, 60, 50, 60, 0), disabled)), want: 10, reason: "ScaleUpLimit"},
		"up: disabled does not stop down":            {least: 1, most: 1000, current: 10, wanted: 5, behavior: up(selecting(policies(2, 60, 50, 60, 0), disabled)), want: 5, reason: "DesiredWithinRange"},
		"up: enough pods":                            {least: 1, most: 1000, current: 10, wanted: 50, behavior: up(policies(100, 60, 0, 0, 0)), want: 50, reason: "DesiredWithinRange"},
		"up: too few pods":                           {least: 1, most: 1000, current: 10, wanted: 50, behavior: up(policies(30, 60, 0, 0, 0)), want: 40, reason: "ScaleUpLimit"},
		"up: too few percent":                        {least: 1, most: 1000, current: 10, wanted: 50, behavior: up(policies(0, 0, 200, 60, 0)), want: 30, reason: "ScaleUpLimit"},
		"up: the maximum is nearer":                  {least: 1, most: 200, current: 100, wanted: 500, behavior: up(policies(300, 60, 0, 0, 0)), ups: changes(1, 5, 9), want: 200, reason: "TooManyReplicas"},
		"up: earlier growth counts, pods":            {least: 1, most: 1000, current: 100, wanted: 500, behavior: up(policies(150, 120, 0, 0, 0)), ups: changes(1, 5, 9), want: 235, reason: "ScaleUpLimit"}, // 100-15+150
		"up: earlier growth counts, percent":         {least: 1, most: 1000, current: 100, wanted: 500, behavior: up(policies(0, 0, 200, 120, 0)), ups: changes(1, 5, 9), want: 255, reason: "ScaleUpLimit"}, // 85×3
		"up: growth before the period does not":      {least: 1, most: 1000, current: 100, wanted: 500, behavior: up(policies(150, 60, 0, 0, 0)), ups: changes(1, 5, 9), want: 241, reason: "ScaleUpLimit"},  // only the 9, 20 s ago
		"up: earlier shrinking counts too":           {least: 1, most: 1000, current: 100, wanted: 500, behavior: up(policies(150, 120, 0, 0, 0)), ups: changes(1, 5, 9), downs: changes(20), want: 255, reason: "ScaleUpLimit"},
		"up: all was used up":                        {least: 1, most: 1000, current: 100, wanted: 500, behavior: up(policies(5, 120, 0, 0, 0)), ups: changes(1, 5, 9), want: 100, reason: "ScaleUpLimit"}, // 90 < 100
		"down: pods":                                 {least: 3, most: 2000, current: 1000, wanted: 3, behavior: down(policies(20, 60, 0, 0, 0)), want: 980, reason: "ScaleDownLimit"},
		"down: pods beat percent":                    {least: 1, most: 1000, current: 100, wanted: 2, behavior: down(policies(20, 60, 1, 60, 0)), want: 80, reason: "ScaleDownLimit"},
		"down: pods beat percent, barely":            {least: 1, most: 1000, current: 100, wanted: 2, behavior: down(policies(2, 60, 1, 60, 0)), want: 98, reason: "ScaleDownLimit"},
		"down: percent beat pods, cut off":           {least: 1, most: 1000, current: 5, wanted: 1, behavior: down(policies(1, 60, 50, 60, 0)), want: 2, reason: "ScaleDownLimit"},                       // 2.5
		"down: the smaller of both":                  {least: 1, most: 1000, current: 5, wanted: 1, behavior: down(selecting(policies(2, 60, 50, 60, 0), minChange)), want: 3, reason: "ScaleDownLimit"}, // max(3, 2)
		"down: disabled":                             {least: 1, most: 1000, current: 5, wanted: 1, behavior: down(selecting(policies(2, 60, 50, 60, 0), disabled)), want: 5, reason: "ScaleDownLimit"},
		"down: the minimum is nearer":                {least: 5, most: 1000, current: 10, wanted: 2, behavior: down(policies(0, 0, 100, 60, 0)), want: 5, reason: "TooFewReplicas"},
		"down: within":                               {least: 1, most: 1000, current: 10, wanted: 5, behavior: down(policies(0, 0, 50, 60, 0)), want: 5, reason: "DesiredWithinRange"},
		"down: earlier shrinking counts, pods":       {least: 1, most: 1000, current: 100, wanted: 2, behavior: down(policies(5, 120, 0, 0, 0)), downs: changes(1, 5, 9), want: 100, reason: "ScaleDownLimit"},        // 110 > 100
		"down: earlier shrinking counts, percent":    {least: 1, most: 1000, current: 100, wanted: 0, behavior: down(policies(0, 0, 50, 120, 0)), downs: changes(2, 4, 6), want: 56, reason: "ScaleDownLimit"},        // 112/2
		"down: earlier growth counts too":            {least: 1, most: 1000, current: 100, wanted: 0, behavior: down(policies(30, 120, 0, 0, 0)), ups: changes(20), want: 50, reason: "ScaleDownLimit"},               // 80-30
		"down: more than everything":                 {least: 1, most: 1000, current: 10, wanted: 5, behavior: down(policies(0, 0, 1000, 120, 0)), downs: changes(10, 10, 10), want: 5, reason: "DesiredWithinRange"}, // 40-400
		"down: a change as old as the period is out": {least: 1, most: 1000, current: 100, wanted: 0, behavior: down(policies(5, 60, 0, 0, 0)), downs: changes(40), want: 95, reason: "ScaleDownLimit"},               // exactly 60 s ago
		"down: policies at the edge of an int32":     {least: 1, most: 1<<31 - 1, current: 100, wanted: 0, behavior: down(policies(1<<31-1, 120, 0, 0, 0)), ups: changes(1<<31-1, 1<<31-1), want: 1, reason: "TooFewReplicas"},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(c.least, c.most)
			s.Behavior = c.behavior
			in := wanting(c.current, c.wanted, s)
			in.Settings.DownscaleStabilization = 0
			d, after := hpa.Decide(in, hpa.State{
				Recommendations: []hpa.Recommendation{{Replicas: c.current, Time: noon.Add(-time.Hour)}},
				ScaleUps:        c.ups, ScaleDowns: c.downs,
			})
			if d.Steps.Stabilized != c.wanted {
				t.Fatalf("the limits were given %d, not %d", d.Steps.Stabilized, c.wanted)
			}
			if d.Desired != c.want {
				t.Errorf("%d → %d, want %d: %s", c.current, d.Desired, c.want, d.Reason())
			}
			if l := after.Condition(autoscalingv2.ScalingLimited); l.Reason != c.reason || (l.Status == "True") != (c.want != c.wanted) {
				t.Errorf("condition %+v, want %s", l, c.reason)
			}
		})
	}
}

func TestReplicasOutOfBoundsAreBroughtBackWithoutAskingTheMetrics(t *testing.T) {
	for name, c := range map[string]struct {
		current, want int32
		reason        string
	}{
		"above the maximum": {12, 10, "Current number of replicas above Spec.MaxReplicas"},
		"below the minimum": {1, 2, "Current number of replicas below Spec.MinReplicas"},
	} {
		t.Run(name, func(t *testing.T) {
			in := wanting(c.current, 5, spec(2, 10))
			in.Readings[0] = hpa.Reading{Err: errDown}
			d, after := hpa.Decide(in, hpa.State{})
			if d.Outcome != hpa.OutOfBounds || d.Desired != c.want || d.RescaleReason != c.reason || d.Err != nil {
				t.Errorf("%s %d → %d, %q, error %v", d.Outcome, d.Current, d.Desired, d.RescaleReason, d.Err)
			}
			if after.Condition(autoscalingv2.ScalingActive) != nil {
				t.Error("the metrics were judged")
			}
		})
	}
}

func TestChangesAreRememberedForPoliciesOnly(t *testing.T) {
	minuteOld := hpa.ScaleEvent{Change: 7, Time: noon.Add(-61 * time.Second)}
	outdated := minuteOld
	outdated.Outdated = true
	young := hpa.ScaleEvent{Change: 6, Time: noon.Add(-59 * time.Second)}
	now := hpa.ScaleEvent{Change: 5, Time: noon}
	rules := policies(100, 60, 0, 0, 0)
	for name, c := range map[string]struct {
		behavior     *autoscalingv2.HorizontalPodAutoscalerBehavior
		before, want []hpa.ScaleEvent
	}{
		"without behavior nothing is":    {nil, []hpa.ScaleEvent{minuteOld}, []hpa.ScaleEvent{minuteOld}},
		"the first":                      {behavior(rules, nil), nil, []hpa.ScaleEvent{now}},
		"beside a young one":             {behavior(rules, nil), []hpa.ScaleEvent{young}, []hpa.ScaleEvent{young, now}},
		"in the place of an old one":     {behavior(rules, nil), []hpa.ScaleEvent{minuteOld, young}, []hpa.ScaleEvent{now, young}},
		"in the place of the last old":   {behavior(rules, nil), []hpa.ScaleEvent{minuteOld, minuteOld, young}, []hpa.ScaleEvent{outdated, now, young}},
		"once old, always old":           {behavior(policies(100, 60, 100, 120, 0), nil), []hpa.ScaleEvent{outdated, young}, []hpa.ScaleEvent{now, young}},
		"the longest period says old":    {behavior(policies(100, 60, 100, 120, 0), nil), []hpa.ScaleEvent{minuteOld}, []hpa.ScaleEvent{minuteOld, now}},
		"the other direction's does not": {behavior(rules, policies(10, 600, 0, 0, 0)), []hpa.ScaleEvent{minuteOld}, []hpa.ScaleEvent{now}},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(1, 100)
			s.Behavior = c.behavior
			_, after := hpa.Decide(wanting(20, 25, s), hpa.State{ScaleUps: c.before})
			if len(after.ScaleUps) != len(c.want) {
				t.Fatalf("%v, want %v", after.ScaleUps, c.want)
			}
			for i := range c.want {
				if after.ScaleUps[i] != c.want[i] {
					t.Errorf("%v, want %v", after.ScaleUps, c.want)
				}
			}
		})
	}
}

func TestTheReasonNamesThePolicyThatLimits(t *testing.T) {
	up := func(r *autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		return behavior(r, nil)
	}
	down := func(r *autoscalingv2.HPAScalingRules) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		return behavior(nil, r)
	}
	for name, c := range map[string]struct {
		behavior        *autoscalingv2.HorizontalPodAutoscalerBehavior
		current, wanted int32
		end             string // of the reason
	}{
		"pods":                  {up(policies(4, 15, 0, 0, 0)), 3, 50, "50 recommended; limited by policy: 4 pods per 15 s, so 7"},
		"one pod":               {up(policies(1, 15, 0, 0, 0)), 3, 50, "; limited by policy: 1 pod per 15 s, so 4"},
		"percent":               {up(policies(0, 0, 50, 60, 0)), 4, 50, "; limited by policy: 50% per 60 s, so 6"},
		"the larger of two":     {up(policies(4, 15, 100, 30, 0)), 10, 50, "; limited by policy: 100% per 30 s, so 20"},
		"the smaller of two":    {up(selecting(policies(4, 15, 100, 30, 0), autoscalingv2.MinChangePolicySelect)), 10, 50, "; limited by policy: 4 pods per 15 s, so 14"},
		"two that say the same": {up(policies(4, 15, 100, 30, 0)), 4, 50, "; limited by policy: 4 pods per 15 s, so 8"},
		"of the defaults":       {up(nil), 2, 50, "; limited by policy: 4 pods per 15 s, so 6"},
		"disabled":              {up(selecting(policies(0, 0, 0, 0, 0), autoscalingv2.DisabledPolicySelect)), 3, 50, "; limited by policy: never in this direction, so 3"},
		"down, pods":            {down(policies(2, 15, 0, 0, 0)), 10, 1, "; limited by policy: 2 pods per 15 s, so 8"},
		"down, smaller":         {down(selecting(policies(2, 15, 50, 60, 0), autoscalingv2.MinChangePolicySelect)), 10, 1, "; limited by policy: 2 pods per 15 s, so 8"},
		"down, larger":          {down(policies(2, 15, 50, 60, 0)), 10, 1, "; limited by policy: 50% per 60 s, so 5"},
		"without a behavior":    {nil, 3, 50, "; limited by policy: the double at most, but always 4, so 6"},
		"the maximum is less":   {up(policies(4, 15, 0, 0, 0)), 3, 5, "5 recommended"},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(1, 100)
			s.Behavior = c.behavior
			in := wanting(c.current, c.wanted, s)
			in.Settings.DownscaleStabilization = 0
			if d, _ := hpa.Decide(in, hpa.State{}); !strings.HasSuffix(d.Reason(), c.end) {
				t.Errorf("got %s", d.Reason())
			}
		})
	}
}
