package hpa_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// anything makes up a service: bounds, metrics with and without values, pods in any condition, behavior or none.
func anything(r *rand.Rand) hpa.Input {
	least := r.Int32N(5)
	s := spec(least, max(1, least)+r.Int32N(30))
	kinds := []autoscalingv2.MetricSpec{
		podsMetric("qps", "10"), external(target("10", "")), external(target("", "10")), object(target("10", "")),
		object(target("", "10")), cpu(1 + r.Int32N(200)), cpuAverage("10"),
	}
	in := hpa.Input{Namespace: "default", Spec: s, Replicas: r.Int32N(40), Settings: hpa.DefaultSettings(), Now: noon}
	in.Observed = max(0, in.Replicas+r.Int32N(5)-2)
	in.Pods = serving(int(in.Observed), func(pods []hpa.Pod) {
		for i := range pods {
			p := &pods[i]
			p.Phase = []corev1.PodPhase{corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodPending, corev1.PodFailed, corev1.PodSucceeded}[r.IntN(6)]
			p.Ready = []corev1.ConditionStatus{"True", "True", "False", "Unknown", ""}[r.IntN(5)]
			p.Deleting = r.IntN(8) == 0
			p.Started = noon.Add(-time.Duration(r.IntN(900)) * time.Second)
			p.ReadyChanged = p.Started.Add(time.Duration(r.IntN(60)) * time.Second)
		}
	})
	for range 1 + r.IntN(3) {
		s.Metrics = append(s.Metrics, kinds[r.IntN(len(kinds))])
		in.Readings = append(in.Readings, anyReading(r, len(in.Pods)))
	}
	if r.IntN(2) == 0 {
		s.Behavior = behavior(anyRules(r), anyRules(r))
	}
	return in
}

func anyReading(r *rand.Rand, pods int) hpa.Reading {
	if r.IntN(10) == 0 {
		return hpa.Reading{Err: errDown}
	}
	top := []int64{1, 20000, 1 << 40, 1 << 62}[r.IntN(4)]
	reading := values(r.Int64N(top))
	reading.Pods, reading.Requests = map[string]hpa.Sample{}, map[string]int64{}
	for i := range pods {
		if r.IntN(6) != 0 {
			reading.Pods[podName(i)] = hpa.Sample{Milli: r.Int64N(top), Time: noon, Window: 30 * time.Second}
		}
		reading.Requests[podName(i)] = r.Int64N(20000)
	}
	return reading
}

func anyRules(r *rand.Rand) *autoscalingv2.HPAScalingRules {
	if r.IntN(4) == 0 {
		return nil
	}
	rules := policies(r.Int32N(8), 1+r.Int32N(120), r.Int32N(150), 1+r.Int32N(120), r.Int32N(120))
	if r.IntN(2) == 0 {
		selecting(rules, []autoscalingv2.ScalingPolicySelect{"Max", "Min", "Disabled"}[r.IntN(3)])
	}
	return rules
}

// TestReplicasNeverLeaveTheirBounds follows made-up services for a while and checks every decision.
func TestReplicasNeverLeaveTheirBounds(t *testing.T) {
	seen := map[hpa.Outcome]int{}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		in, state := anything(r), hpa.State{}
		for range 12 {
			var d hpa.Decision
			before := in.Replicas
			d, state = hpa.Decide(in, state)
			seen[d.Outcome]++
			if err := sound(in, d); err != nil {
				t.Fatalf("seed %d, %d → %d (%s): %v", seed, before, d.Desired, d.Reason(), err)
			}
			next := anything(r)
			next.Spec, next.Replicas, next.Now = in.Spec, d.Desired, in.Now.Add(time.Duration(1+r.IntN(60))*time.Second)
			next.Readings = make([]hpa.Reading, len(in.Spec.Metrics))
			for i := range next.Readings {
				next.Readings[i] = anyReading(r, len(next.Pods))
			}
			in = next
		}
	}
	for _, o := range []hpa.Outcome{hpa.Computed, hpa.Held, hpa.OutOfBounds, hpa.Disabled} {
		if seen[o] == 0 {
			t.Errorf("no decision was %s: the services are not as various as they should be", o)
		}
	}
}

func sound(in hpa.Input, d hpa.Decision) error {
	least, most := *in.Spec.MinReplicas, in.Spec.MaxReplicas
	switch {
	case d.Outcome == hpa.Held || d.Outcome == hpa.Disabled:
		if d.Desired != in.Replicas {
			return fmt.Errorf("moved although it was %s", d.Outcome)
		}
	case d.Desired < least || d.Desired > most:
		return fmt.Errorf("left %d … %d", least, most)
	}
	if d.Err != nil && d.Steps.Recommended < in.Replicas && d.Outcome == hpa.Computed {
		return fmt.Errorf("a metric is not known, and the others were followed downwards")
	}
	for _, m := range d.Metrics {
		if m.Err == nil && m.Replicas < 0 {
			return fmt.Errorf("%s proposes %d", m.Name, m.Replicas)
		}
	}
	if d.Reason() == "" || len(d.Conditions) == 0 {
		return fmt.Errorf("no reason is given")
	}
	return nil
}

// More load never means fewer replicas, as long as every replica has a pod that counts or could count.
func TestMoreLoadNeverMeansFewerReplicas(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		n := 1 + r.IntN(12)
		pods := serving(n)
		reading := func(milli int64) hpa.Reading {
			r := rand.New(rand.NewPCG(seed, 3))
			all := samples()
			for i := range pods {
				if i == 0 || r.IntN(4) != 0 {
					all.Pods[podName(i)] = hpa.Sample{Milli: milli, Time: noon}
				}
			}
			return all
		}
		if n > 1 && r.IntN(2) == 0 {
			pending(n - 1)(pods)
		}
		var b *autoscalingv2.HorizontalPodAutoscalerBehavior
		if r.IntN(2) == 0 {
			b = behavior(anyRules(r), anyRules(r))
		}
		state := hpa.State{Recommendations: ago(200, r.IntN(20), 100, r.IntN(20), 10, r.IntN(20))}
		last := int32(0)
		for milli := int64(0); milli < 40000; milli += 1 + r.Int64N(200) {
			in := situation{metric: podsMetric("qps", "10"), behavior: b, pods: pods, reading: reading(milli)}.input()
			in.Spec.MaxReplicas = 30
			d, _ := hpa.Decide(in, state)
			if d.Desired < last {
				t.Fatalf("seed %d: at %dm only %d replicas, less load had %d: %s", seed, milli, d.Desired, last, d.Reason())
			}
			last = d.Desired
		}
	}
}

// Within the tolerance nothing ever changes, whatever the number of replicas.
func TestWithinTheToleranceNothingChanges(t *testing.T) {
	for n := 1; n <= 60; n++ {
		for _, milli := range []int64{9000, 9001, 9500, 10000, 10500, 10999, 11000} {
			all := make([]int64, n)
			for i := range all {
				all[i] = milli
			}
			in := situation{metric: podsMetric("qps", "10"), pods: serving(n), reading: samples(all...)}.input()
			if d, _ := hpa.Decide(in, hpa.State{}); d.Desired != int32(n) || d.Steps.Recommended != int32(n) {
				t.Errorf("%d replicas at %dm of 10: %d: %s", n, milli, d.Desired, d.Reason())
			}
		}
	}
}
