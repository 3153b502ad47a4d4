package hpa_test

import (
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// ago builds recommendations from pairs of seconds ago and replicas, oldest first.
func ago(pairs ...int) []hpa.Recommendation {
	var recs []hpa.Recommendation
	for i := 0; i < len(pairs); i += 2 {
		recs = append(recs, hpa.Recommendation{Time: noon.Add(-time.Duration(pairs[i]) * time.Second), Replicas: int32(pairs[i+1])})
	}
	return recs
}

// The situations are those of Kubernetes' tests of the stabilisation and of the edges of its windows.
func TestStabilisation(t *testing.T) {
	windows := func(up, down int32) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		return behavior(policies(1000, 60, 0, 0, up), policies(1000, 60, 0, 0, down))
	}
	for name, c := range map[string]struct {
		behavior        *autoscalingv2.HorizontalPodAutoscalerBehavior
		before          []hpa.Recommendation
		current, wanted int32
		want            int32
		until           int // seconds from now; 0: not held
		reason          string
		kept            int // recommendations afterwards
	}{
		"no behavior: the highest of five minutes":       {nil, ago(120, 40, 60, 50), 50, 30, 50, 240, "ScaleDownStabilized", 3},
		"no behavior: lower ones do not matter":          {nil, ago(120, 10, 60, 20), 20, 30, 30, 0, "SucceededRescale", 3},
		"no behavior: older ones do not count":           {nil, ago(600, 100, 540, 90), 90, 30, 30, 0, "SucceededRescale", 2},
		"no behavior: in whatever order":                 {nil, ago(60, 40, 200, 50, 100, 50, 150, 50), 50, 30, 50, 200, "ScaleDownStabilized", 5},
		"no behavior: as old as the window counts":       {nil, ago(300, 50), 50, 30, 50, 0, "ScaleDownStabilized", 2},
		"no behavior: the latest of the highest holds":   {nil, ago(200, 50, 100, 50, 60, 40), 50, 30, 50, 200, "ScaleDownStabilized", 4},
		"no behavior: growth is not held":                {nil, ago(60, 10), 10, 20, 20, 0, "SucceededRescale", 2},
		"no behavior: high ones even grow it again":      {nil, ago(60, 50), 40, 30, 50, 240, "SucceededRescale", 2},
		"behavior: the default is the settings' window":  {behavior(nil, nil), ago(60, 50), 50, 30, 50, 240, "ScaleDownStabilized", 2},
		"behavior: the default does not hold growth":     {behavior(nil, nil), ago(60, 10), 10, 20, 20, 0, "SucceededRescale", 2},
		"down: the highest of the window":                {windows(0, 300), ago(120, 40, 60, 50), 50, 30, 50, 240, "ScaleDownStabilized", 3},
		"down: as old as the window is out":              {windows(0, 300), ago(300, 50), 50, 30, 30, 0, "SucceededRescale", 2},
		"down: above current does not grow":              {windows(0, 300), ago(60, 80), 50, 30, 50, 240, "ScaleDownStabilized", 2},
		"down: a shorter window":                         {windows(0, 30), ago(60, 50, 20, 40), 50, 30, 40, 10, "SucceededRescale", 2},
		"down: no window":                                {windows(0, 0), ago(1, 50), 50, 30, 30, 0, "SucceededRescale", 1},
		"up: the lowest of the window":                   {windows(300, 0), ago(120, 20, 60, 10), 10, 40, 10, 240, "ScaleUpStabilized", 3},
		"up: only half the way":                          {windows(300, 0), ago(120, 20, 60, 30), 10, 40, 20, 180, "SucceededRescale", 3},
		"up: as old as the window is out":                {windows(300, 0), ago(300, 10), 10, 40, 40, 0, "SucceededRescale", 2},
		"up: a long window does not hold down":           {windows(300, 0), ago(60, 50), 50, 30, 30, 0, "SucceededRescale", 2},
		"both: between lowest and highest nothing moves": {windows(300, 300), ago(120, 20, 60, 80), 50, 90, 50, 180, "ScaleUpStabilized", 3},
		"both: the longer window is kept":                {windows(30, 300), ago(400, 50, 200, 50), 50, 50, 50, 0, "ReadyForNewScale", 2},
		"the same again":                                 {nil, ago(60, 30), 30, 30, 30, 0, "ReadyForNewScale", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(1, 1000)
			s.Behavior = c.behavior
			d, after := hpa.Decide(wanting(c.current, c.wanted, s), hpa.State{Recommendations: c.before})
			if d.Steps.Recommended != c.wanted || d.Steps.Stabilized != c.want || d.Desired != c.want {
				t.Errorf("%+v, want %d: %s", d.Steps, c.want, d.Reason())
			}
			var until time.Time
			if c.until != 0 || c.reason == "ScaleDownStabilized" {
				until = noon.Add(time.Duration(c.until) * time.Second)
			}
			if !d.StabilizedUntil.Equal(until) {
				t.Errorf("held until %s, want %s", d.StabilizedUntil, until)
			}
			if able := after.Condition(autoscalingv2.AbleToScale); able.Reason != c.reason {
				t.Errorf("condition %+v, want %s", able, c.reason)
			}
			if n := len(after.Recommendations); n != c.kept || !slices.Contains(after.Recommendations, hpa.Recommendation{Replicas: c.wanted, Time: noon}) {
				t.Errorf("remembers %v, want %d", after.Recommendations, c.kept)
			}
		})
	}
}

func TestWhatANewControllerFindsHoldsLikeARecommendation(t *testing.T) {
	in := wanting(8, 2, spec(1, 10))
	d, state := hpa.Decide(in, hpa.State{})
	if d.Desired != 8 || !d.StabilizedUntil.Equal(noon.Add(5*time.Minute)) {
		t.Errorf("8 → %d, held until %s", d.Desired, d.StabilizedUntil)
	}
	in.Now = noon.Add(5*time.Minute + time.Second)
	if d, _ = hpa.Decide(in, state); d.Desired != 2 {
		t.Errorf("after the window: 8 → %d: %s", d.Desired, d.Reason())
	}
}

// A new recommendation takes the place of one that is older than the windows, and of no other. What stays counts again
// when the spec's window is made longer, or the behavior taken away.
func TestALongerWindowBringsOldRecommendationsBack(t *testing.T) {
	s := spec(1, 1000)
	s.Behavior = behavior(nil, policies(1000, 60, 0, 0, 60))
	in := wanting(20, 10, s)
	d, state := hpa.Decide(in, hpa.State{Recommendations: ago(250, 20, 200, 15, 150, 12)})
	if d.Desired != 10 {
		t.Fatalf("20 → %d with the short window", d.Desired)
	}
	want := []hpa.Recommendation{{Replicas: 20, Time: noon.Add(-250 * time.Second)}, {Replicas: 15, Time: noon.Add(-200 * time.Second)}, {Replicas: 10, Time: noon}}
	if !slices.Equal(state.Recommendations, want) {
		t.Errorf("remembers %v", state.Recommendations)
	}
	in.Spec = spec(1, 1000, s.Metrics...)
	in.Now = noon.Add(15 * time.Second)
	if d, _ = hpa.Decide(in, state); d.Desired != 20 || !d.StabilizedUntil.Equal(noon.Add(50*time.Second)) {
		t.Errorf("20 → %d, held until %s: %s", d.Desired, d.StabilizedUntil, d.Reason())
	}
}
