package replay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/scale/replay"
)

const minute = time.Minute

// kubeState is what kube-state-metrics says of two pods and then a third, the deployment's spec.replicas as given.
func kubeState(s *story, long time.Duration, replicas func(time.Duration) (float64, bool), pods map[string]time.Duration) *story {
	const every = 15 * time.Second
	in := `namespace="shops"`
	s.every(every, long, `kube_deployment_spec_replicas{`+in+`,deployment="shop"}`, replicas)
	s.every(every, long, `kube_replicaset_owner{`+in+`,replicaset="shop-7d9c",owner_kind="Deployment",owner_name="shop"}`, always(1))
	s.every(every, long, `kube_replicaset_owner{`+in+`,replicaset="other-1",owner_kind="Deployment",owner_name="other"}`, always(1))
	for pod, begin := range pods {
		set := "shop-7d9c"
		if strings.HasPrefix(pod, "other") {
			set = "other-1"
		}
		labels := in + `,pod="` + pod + `"`
		s.every(every, long, `kube_pod_owner{`+labels+`,owner_kind="ReplicaSet",owner_name="`+set+`"}`, from(begin, 1))
		s.every(every, long, `kube_pod_status_phase{`+labels+`,phase="Pending"}`, func(since time.Duration) (float64, bool) {
			if since < begin+30*time.Second && begin > 0 {
				return 1, since >= begin
			}
			return 0, since >= begin
		})
		s.every(every, long, `kube_pod_status_phase{`+labels+`,phase="Running"}`, func(since time.Duration) (float64, bool) {
			if since < begin+30*time.Second && begin > 0 {
				return 0, since >= begin
			}
			return 1, since >= begin
		})
		s.every(every, long, `kube_pod_status_ready{`+labels+`,condition="true"}`, from(begin+30*time.Second, 1))
	}
	return s
}

func TestTheRecordedScenarioDecidesFromWhatThereWas(t *testing.T) {
	s := kubeState(&story{}, 10*minute, steps(0*minute, 2, 2*minute+15*time.Second, 3), map[string]time.Duration{"shop-a": 0, "shop-b": 0, "shop-c": 2*minute + 15*time.Second, "other-a": 0})
	s.every(15*time.Second, 10*minute, `load{namespace="shops",pod="shop-a"}`, steps(0*minute, 10, 2*minute, 15, 3*minute, 10))
	s.every(15*time.Second, 10*minute, `load{namespace="shops",pod="shop-b"}`, steps(0*minute, 10, 2*minute, 15, 3*minute, 10))
	s.every(15*time.Second, 10*minute, `load{namespace="shops",pod="shop-c"}`, from(3*minute, 10))
	s.every(15*time.Second, 10*minute, `load{namespace="shops",pod="other-a"}`, always(1000))
	report := run(t, s.source(t), options(perPod(1, 10, "10"), 10*minute))
	recorded := scenario(t, report, "recorded")
	// 15 of 10 over two pods asks for three, which the deployment has at the next sync.
	if diff := cmp.Diff([]string{"2m0s scaledUp 2→3"}, changes(recorded)); diff != "" {
		t.Error(diff)
	}
	if a := recorded.Agreement; a == nil || a.Compared != 40 || a.Same != 40 {
		t.Errorf("agreement: %+v", a)
	}
	inputs := report.Inputs[0].From + report.Inputs[1].From + report.Inputs[2].From
	for _, name := range []string{"kube_deployment_spec_replicas", "kube_pod_status_phase", "kube_pod_status_ready", "kube_replicaset_owner"} {
		if !strings.Contains(inputs, name) {
			t.Errorf("the inputs do not tell of %s: %v", name, report.Inputs)
		}
	}
}

func TestTheSimulatedScenarioIsInCharge(t *testing.T) {
	// Nothing was scaled: two pods with 60 between them, and 20 after five minutes.
	s := kubeState(&story{}, 20*minute, always(2), map[string]time.Duration{"shop-a": 0, "shop-b": 0})
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(15*time.Second, 20*minute, `load{namespace="shops",pod="`+pod+`"}`, steps(0*minute, 30, 5*minute, 10))
	}
	report := run(t, s.source(t), options(perPod(1, 10, "10"), 20*minute))
	simulated := scenario(t, report, "simulated")
	// At once 2 → 4 (the double at most), and with two of them pending 60/2 of 10 still; when they serve, 15 of 10: six. Five
	// minutes after the last recommendation of six, at 4m45s, it is two.
	if diff := cmp.Diff([]string{"0s scaledUp 2→4", "15s scaledUp 4→6", "9m45s scaledDown 6→2"}, changes(simulated)); diff != "" {
		t.Error(diff)
	}
	recorded := scenario(t, report, "recorded")
	if recorded.Agreement.Different == 0 || len(recorded.Agreement.Differences) == 0 {
		t.Errorf("nobody scaled, and the decisions agree: %+v", recorded.Agreement)
	}
}

func TestWhatIfsRunBesideTheSpec(t *testing.T) {
	s := &story{}
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(15*time.Second, 10*minute, `load{pod="`+pod+`"}`, always(30))
	}
	o := options(perPod(1, 10, "10"), 10*minute)
	o.WhatIfs = []replay.WhatIf{{Name: "target 20", Spec: perPod(1, 10, "20")}, {Name: "max 3", Spec: perPod(1, 3, "10")}}
	report := run(t, s.source(t), o)
	for name, most := range map[string]int32{"recorded": 2, "simulated": 6, "target 20": 3, "max 3": 3} {
		if got := scenario(t, report, name).Summary.Most; got != most {
			t.Errorf("%s goes up to %d, not %d", name, got, most)
		}
	}
	if s := scenario(t, report, "max 3").Summary; s.MinutesAtMaximum < 10 || s.MinutesAboveTarget < 10 {
		t.Errorf("max 3: %+v", s)
	}
}

// TestAChangeThatNobodyMadeIsNotCounted has a controller that was switched off: policies look only at changes that happened.
func TestAChangeThatNobodyMadeIsNotCounted(t *testing.T) {
	s := kubeState(&story{}, 5*minute, always(2), map[string]time.Duration{"shop-a": 0, "shop-b": 0})
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(sync, 5*minute, `load{pod="`+pod+`"}`, always(90))
	}
	spec := perPod(1, 50, "10")
	w, err := replay.ParseWhatIf("up=4/60s", &spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decisions(t, s, options(w.Spec, 4*minute), "recorded") {
		if d.Current != 2 || d.Desired != 6 {
			t.Errorf("sync %d: %d → %d: %s", i, d.Current, d.Desired, d.Reason())
		}
	}
}

// A workload that was there for some minutes of a month was there.
func TestAShortRecordInALongTimeIsFound(t *testing.T) {
	between := func(v float64) func(time.Duration) (float64, bool) {
		return func(since time.Duration) (float64, bool) {
			return v, since >= 26*time.Hour && since < 26*time.Hour+10*time.Minute
		}
	}
	source := new(story).
		every(15*time.Second, 27*time.Hour, `truecount_scale_desired_replicas{application_namespace="shops",application="shop"}`, between(3)).
		every(15*time.Second, 27*time.Hour, `up{namespace="shops",service="shop",pod="shop-0"}`, between(1)).
		every(15*time.Second, 27*time.Hour, `load{pod="shop-0"}`, between(1)).
		source(t)
	o := options(perPod(1, 10, "1"), 30*24*time.Hour)
	o.Sync = time.Minute
	r := run(t, source, o)
	if from := r.Inputs[0].From; !strings.Contains(from, "truecount_scale_desired_replicas") {
		t.Errorf("replicas are from %s", from)
	}
}
