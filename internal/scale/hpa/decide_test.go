package hpa_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/hpa"
)

func TestConditionsAreKubernetes(t *testing.T) {
	in := situation{metric: podsMetric("clicks_per_second", "10m"), pods: serving(1), reading: samples(500)}.input()
	in.Spec.MaxReplicas = 10
	d, _ := hpa.Decide(in, hpa.State{})
	want := []struct{ kind, status, reason, message string }{
		{"AbleToScale", "True", "SucceededRescale", "the HPA controller was able to update the target scale to 4"},
		{"ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from pods metric clicks_per_second"},
		{"ScalingLimited", "True", "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"},
		{"ScaledToZero", "False", "NotScaledToZero", "the HPA controller did not scale the workload to zero"},
	}
	if len(d.Conditions) != len(want) {
		t.Fatalf("%+v", d.Conditions)
	}
	for i, w := range want {
		if c := d.Conditions[i]; string(c.Type) != w.kind || string(c.Status) != w.status || c.Reason != w.reason || c.Message != w.message {
			t.Errorf("%+v, want %+v", c, w)
		}
	}
	if d.RescaleReason != "pods metric clicks_per_second above target" {
		t.Errorf("rescale reason %q", d.RescaleReason)
	}
}

// The reason is that of the SuccessfulRescale event: without a change there is none, whatever the metrics ask for.
func TestAReasonIsGivenForChangesOnly(t *testing.T) {
	stays := func(s *autoscalingv2.HorizontalPodAutoscalerSpec) hpa.Input { return wanting(0, 0, s) }
	wakes := spec(2, 10)
	wakes.Behavior = behavior(nil, nil)
	byUs := hpa.State{Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScaledToZero, Status: "True"}}}
	for name, c := range map[string]struct {
		in     hpa.Input
		before hpa.State
		want   int32
		reason string
	}{
		"up":                           {wanting(3, 5, spec(1, 10)), hpa.State{}, 5, "external metric queue(nil) above target"},
		"up, at the maximum":           {wanting(10, 20, spec(1, 10)), hpa.State{}, 10, ""},
		"down":                         {wanting(5, 3, spec(1, 10)), hpa.State{Recommendations: ago(400, 5)}, 3, "All metrics below target"},
		"down, held by the window":     {wanting(5, 3, spec(1, 10)), hpa.State{Recommendations: ago(60, 5)}, 5, ""},
		"from zero, the minimum rose":  {stays(wakes), byUs, 2, "Current number of replicas below Spec.MinReplicas"},
		"the same without a behavior":  {stays(spec(2, 10)), byUs, 2, ""}, // Kubernetes says nothing there
		"at zero, and nothing to wake": {stays(spec(0, 10)), byUs, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := hpa.Decide(c.in, c.before)
			if d.Desired != c.want || d.RescaleReason != c.reason {
				t.Errorf("%d → %d, %q; want %d, %q", d.Current, d.Desired, d.RescaleReason, c.want, c.reason)
			}
		})
	}
}

func TestAConditionsTransitionTimeIsThatOfItsStatus(t *testing.T) {
	in := wanting(3, 3, spec(1, 10))
	_, state := hpa.Decide(in, hpa.State{})
	at := func() time.Time { return state.Condition(autoscalingv2.ScalingActive).LastTransitionTime.Time }

	in.Now = noon.Add(time.Minute)
	if _, state = hpa.Decide(in, state); !at().Equal(noon) {
		t.Errorf("still active, but since %s", at())
	}
	in.Now = noon.Add(2 * time.Minute)
	in.Readings[0] = hpa.Reading{Err: errDown}
	if _, state = hpa.Decide(in, state); !at().Equal(in.Now) {
		t.Errorf("no longer active, but since %s", at())
	}
}

// Reasons are read by people: they are whole, and the numbers are the right ones.
func TestReasons(t *testing.T) {
	clicks := func(milli ...int64) hpa.Input {
		in := situation{metric: podsMetric("clicks_per_second", "10m"), pods: serving(len(milli)), reading: samples(milli...)}.input()
		in.Spec.MaxReplicas = 10
		return in
	}
	scaledDown := clicks(1, 1, 1)
	scaledDown.Settings.DownscaleStabilization = 0
	tooMany := clicks(50, 50, 50, 50, 50, 50)
	utilization := situation{metric: cpu(50), pods: serving(2), reading: samples(900, 900)}.withRequests(1000, 1000).input()
	reversed := clicks(13, 13, absent)
	outside := clicks(1)
	outside.Replicas = 12
	partly := clicks(5, 5, 5)
	partly.Spec.Metrics = append(partly.Spec.Metrics, external(target("1", "")))
	partly.Readings = append(partly.Readings, hpa.Reading{Err: errDown})
	for want, c := range map[string]struct {
		in     hpa.Input
		before []hpa.Recommendation
	}{
		"clicks_per_second is 16m per replica, target 10m: 2 recommended":                                                                  {clicks(16), nil},
		"clicks_per_second is 8m per replica, target 10m: 1 still right":                                                                   {clicks(8), nil},
		"clicks_per_second is 10m per replica, target 10m, within the tolerance: 2 still right":                                            {clicks(10, 10), nil},
		"clicks_per_second is 500m per replica, target 10m: 50 recommended; limited by policy: the double at most, but always 4, so 4":     {clicks(500), nil},
		"clicks_per_second is 50m per replica, target 10m: 30 recommended; limited to the maximum 10":                                      {tooMany, nil},
		"clicks_per_second is 0 per replica, target 10m: 0 recommended; held at 2 by the stabilisation window for another 4m0s":            {clicks(0, 0), ago(60, 2)},
		"clicks_per_second is 1m per replica, target 10m: 1 recommended":                                                                   {scaledDown, ago(60, 1)},
		"clicks_per_second is 13m per replica, target 10m, but replicas that are missing or unready could turn that around: 3 still right": {reversed, nil},
		"cpu is 90% of the request, target 50%: 4 recommended":                                                                             {utilization, nil},
		"12 replicas are more than the maximum 10":                                                                                         {outside, nil},
		"held at 3 although clicks_per_second is 5m per replica, target 10m: 2 recommended; queue is not known: the server is down":        {partly, nil},
	} {
		t.Run(want, func(t *testing.T) {
			if d, _ := hpa.Decide(c.in, hpa.State{Recommendations: c.before}); d.Reason() != want {
				t.Errorf("got %s", d.Reason())
			}
		})
	}
}

func TestDecideIsPure(t *testing.T) {
	s := spec(1, 100)
	s.Behavior = behavior(policies(100, 60, 0, 0, 10), policies(1, 60, 0, 0, 10))
	in := wanting(20, 30, s)
	_, before := hpa.Decide(wanting(10, 20, s), hpa.State{})
	room := make([]hpa.Recommendation, len(before.Recommendations), 50) // an append that forgets to copy would write here
	copy(room, before.Recommendations)
	before.Recommendations = room
	saved := hpa.State{
		Recommendations: append([]hpa.Recommendation(nil), before.Recommendations...),
		ScaleUps:        append([]hpa.ScaleEvent(nil), before.ScaleUps...),
		Conditions:      append([]autoscalingv2.HorizontalPodAutoscalerCondition(nil), before.Conditions...),
	}
	savedSpec := in.Spec.DeepCopy()

	in.Now = noon.Add(20 * time.Second)
	first, after := hpa.Decide(in, before)
	second, again := hpa.Decide(in, before)
	quantities := cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })
	kept := cmpopts.IgnoreUnexported(hpa.Decision{}, hpa.MetricResult{}) // for the reason, which is compared as it is read
	if diff := cmp.Diff(first, second, kept) + cmp.Diff(first.Reason(), second.Reason()) + cmp.Diff(after, again); diff != "" {
		t.Errorf("the same input was decided differently:\n%s", diff)
	}
	if diff := cmp.Diff(saved, before) + cmp.Diff(savedSpec, in.Spec, quantities); diff != "" {
		t.Errorf("the input was changed:\n%s", diff)
	}
	if n := len(before.Recommendations); before.Recommendations[:n+1][n] != (hpa.Recommendation{}) {
		t.Errorf("the old state's memory was written to: %v", before.Recommendations[:n+1][n])
	}
}
