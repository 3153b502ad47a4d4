package replay_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
)

// wave has a load on two pods that changes every two minutes between what asks for six replicas and what asks for one.
func wave(long time.Duration) *story {
	s := &story{}
	for _, pod := range []string{"a", "b"} {
		s.every(sync, long, `load{pod="`+pod+`"}`, func(since time.Duration) (float64, bool) {
			if since/(2*minute)%2 == 0 {
				return 30, true
			}
			return 5, true
		})
	}
	return s
}

func TestFlapsAreChangesBackWithinTheWindow(t *testing.T) {
	o := options(perPod(1, 10, "10"), 20*minute-sync)
	o.Settings = hpa.DefaultSettings()
	o.Settings.DownscaleStabilization = time.Second
	for window, flaps := range map[time.Duration]int{10 * minute: 9, time.Second: 0} {
		o.FlapWindow = window
		s := scenario(t, run(t, wave(20*minute).source(t), o), "simulated").Summary
		// Up at 0, 4, 8 … and down at 2, 6, 10 …: nine turns between ten stretches.
		if s.Flaps != flaps || s.Downs != 5 || s.FlapMinutes != window.Minutes() {
			t.Errorf("within %s: %+v", window, s)
		}
	}
	calm := scenario(t, run(t, wave(20*minute).source(t), options(perPod(1, 10, "10"), 20*minute-sync)), "simulated").Summary
	if calm.Flaps != 0 || calm.Stabilized == 0 {
		t.Errorf("with Kubernetes' stabilisation: %+v", calm)
	}
}

func TestReplicaHoursAndMinutesAddUp(t *testing.T) {
	s := &story{}
	for _, pod := range []string{"a", "b"} {
		s.every(sync, 2*time.Hour, `load{pod="`+pod+`"}`, steps(0*minute, 10, 60*minute, 10.5, 90*minute, 10))
	}
	report := run(t, s.source(t), options(perPod(1, 10, "10"), 2*time.Hour-sync))
	for _, scenario := range report.Scenarios {
		n := scenario.Summary
		// Two pods for two hours; for half an hour a little above the target, within the tolerance.
		if math.Abs(n.ReplicaHours-4) > 1e-9 || math.Abs(n.MinutesAboveTarget-30) > 1e-9 || n.Ups+n.Downs != 0 {
			t.Errorf("%s: %+v", scenario.Name, n)
		}
	}
}

func TestPoliciesAndTheMaximumAreCounted(t *testing.T) {
	s := &story{}
	for _, pod := range []string{"a", "b"} {
		s.every(sync, 10*minute, `load{pod="`+pod+`"}`, always(100))
	}
	spec := perPod(1, 5, "10")
	o := options(spec, 10*minute-sync)
	w, err := replay.ParseWhatIf("name=slow,max=50,up=1/60s", &spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.WhatIfs = []replay.WhatIf{w}
	report := run(t, s.source(t), o)
	if n := scenario(t, report, "simulated").Summary; n.Most != 5 || n.MinutesAtMaximum < 9 {
		t.Errorf("simulated: %+v", n)
	}
	if n := scenario(t, report, "slow").Summary; n.Ups != 10 || n.Limited < 30 || n.Most != 12 {
		t.Errorf("slow: %+v", n)
	}
}

// TestTheRecordOfALaptopIsRead has what truecount says of itself.
func TestTheRecordOfALaptopIsRead(t *testing.T) {
	s := &story{}
	s.every(sync, 10*minute, `truecount_scale_desired_replicas{application="shop",application_namespace="shops"}`, steps(0*minute, 1, 2*minute+sync, 2))
	s.every(sync, 10*minute, `up{namespace="shops",service="shop",pod="shop-0"}`, always(1))
	s.every(sync, 10*minute, `up{namespace="shops",service="shop",pod="shop-1"}`, from(2*minute+2*sync, 1))
	s.every(sync, 10*minute, `load{namespace="shops",pod="shop-0"}`, steps(0*minute, 10, 2*minute, 20, 3*minute, 10))
	s.every(sync, 10*minute, `load{namespace="shops",pod="shop-1"}`, from(3*minute, 10))
	report := run(t, s.source(t), options(perPod(1, 10, "10"), 4*minute))
	recorded := scenario(t, report, "recorded")
	if recorded.Agreement == nil || recorded.Agreement.Different > 0 || recorded.Summary.Most != 2 {
		t.Errorf("%+v %+v", recorded.Agreement, recorded.Summary)
	}
	if !strings.Contains(report.Inputs[0].From, "truecount_scale_desired_replicas") {
		t.Error(report.Inputs)
	}
}

// TestAGapInTheRecordMakesNoDecision has kube-state-metrics away for a while.
func TestAGapInTheRecordMakesNoDecision(t *testing.T) {
	s := kubeState(&story{}, 30*minute, steps(0*minute, 2, 10*minute, nil, 20*minute, 2), map[string]time.Duration{"shop-a": 0, "shop-b": 0})
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(sync, 30*minute, `load{pod="`+pod+`"}`, always(10))
	}
	report := run(t, s.source(t), options(perPod(1, 10, "10"), 30*minute-sync))
	recorded := scenario(t, report, "recorded")
	// The server looks back for five minutes: half of the ten are a gap.
	if n := recorded.Summary.Undecided; n < 20 || n > 22 {
		t.Errorf("%d syncs without decision", n)
	}
	if a := recorded.Agreement; a.Different+a.OneSync != 0 || a.Compared < 90 {
		t.Errorf("%+v", a)
	}
	if simulated := scenario(t, report, "simulated"); simulated.Summary.Undecided != 0 {
		t.Errorf("a simulation needs no record: %+v", simulated.Summary)
	}
	unknown := 0
	for _, c := range recorded.Chart.Columns {
		switch {
		case c.Replicas == nil:
			unknown++
		case *c.Replicas != 2:
			t.Errorf("%d replicas at %s", *c.Replicas, c.At)
		}
	}
	if unknown != recorded.Summary.Undecided {
		t.Errorf("the chart does not know the replicas at %d syncs, there are %d without decision", unknown, recorded.Summary.Undecided)
	}
}

// TestATargetThatIsScaledUpAgainIsAutoscaledAgain has somebody turn the autoscaler off by zero replicas, and on again.
func TestATargetThatIsScaledUpAgainIsAutoscaledAgain(t *testing.T) {
	s := kubeState(&story{}, 20*minute, steps(0*minute, 0, 5*minute, 2), map[string]time.Duration{"shop-a": 5 * minute, "shop-b": 5 * minute})
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(sync, 20*minute, `load{pod="`+pod+`"}`, from(5*minute, 20))
	}
	report := run(t, s.source(t), options(perPod(1, 10, "10"), 20*minute-sync))
	simulated := scenario(t, report, "simulated")
	if n := simulated.Summary; n.Least != 0 || n.Most != 4 {
		t.Errorf("%d to %d replicas", n.Least, n.Most)
	}
}

func TestWindowsDoNotShow(t *testing.T) {
	// Three windows of syncs and a bit.
	o := options(perPod(1, 10, "10"), 18_000*time.Second)
	o.Sync = time.Second
	s := &story{}
	for _, pod := range []string{"a", "b"} {
		s.every(sync, 5*time.Hour, `load{pod="`+pod+`"}`, always(20))
	}
	report := run(t, s.source(t), o)
	n := scenario(t, report, "simulated").Summary
	if report.Syncs != 18_001 || n.Held != 0 || n.Ups != 1 || math.Abs(n.ReplicaHours-4*18_001/3600.0) > 1e-6 {
		t.Errorf("%d syncs, %+v", report.Syncs, n)
	}
}

func TestAReportIsJSONWhateverHappened(t *testing.T) {
	s := (&story{}).every(sync, minute, `load{pod="a"}`, func(time.Duration) (float64, bool) { return math.Inf(1), true })
	text, err := json.Marshal(run(t, s.source(t), options(perPod(1, 10, "10"), minute)))
	if err != nil || !strings.Contains(string(text), `"values":[null]`) {
		t.Error(err, string(text))
	}
}

func TestWhatCannotBeReplayedSaysWhy(t *testing.T) {
	source := (&story{}).every(sync, minute, `load{pod="a"}`, always(1)).source(t)
	for name, c := range map[string]struct {
		change func(*replay.Options)
		says   string
	}{
		"an end before the beginning": {func(o *replay.Options) { o.To = o.From.Add(-1) }, "is before the beginning"},
		"a wrong spec":                {func(o *replay.Options) { o.Spec.MaxReplicas = 0 }, "maxReplicas"},
		"a wrong what-if":             {func(o *replay.Options) { o.WhatIfs = []replay.WhatIf{{Name: "x", Spec: perPod(5, 1, "1")}} }, "what if x"},
		"a query that is wrong":       {func(o *replay.Options) { o.Questions[0].Expr = "sum(" }, "the query of load: the query cannot be answered"},
		"a question too few":          {func(o *replay.Options) { o.Questions = nil }, "one query per metric"},
		"centuries":                   {func(o *replay.Options) { o.Sync, o.To = time.Millisecond, o.From.AddDate(200, 0, 0) }, "too long"},
		"no sync in the range": {func(o *replay.Options) {
			n := int32(1)
			o.Recorded = []replay.Sync{{At: noon.Add(-time.Hour), SpecReplicas: &n}}
		}, "no recorded sync"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(perPod(1, 10, "10"), minute)
			c.change(&o)
			if _, err := replay.Run(t.Context(), source, o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %s", err, c.says)
			}
		})
	}
	o := options(perPod(1, 10, "10"), minute)
	enough := errors.New("enough")
	o.Each = func(string, hpa.Decision) error { return enough }
	if _, err := replay.Run(t.Context(), source, o); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestTheSameHistoryGivesTheSameReport(t *testing.T) {
	var last string
	for range 3 {
		text, err := json.Marshal(run(t, wave(20*minute).source(t), options(perPod(1, 10, "10"), 20*minute)))
		if err != nil {
			t.Fatal(err)
		}
		if last != "" {
			if diff := cmp.Diff(last, string(text)); diff != "" {
				t.Error(diff)
			}
		}
		last = string(text)
	}
}
