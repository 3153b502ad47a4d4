package replay

import (
	"errors"
	"math"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// The load is what was measured, whoever serves it. A metric per pod is a share of it: the shares are added up and spread
// evenly over the simulated pods that are ready. A value of the whole service that the algorithm divides by the replicas
// stays as it is. A value that the algorithm compares as it is only makes sense if more pods lower it, so it is taken to
// fall and rise with the load per pod.

// spread returns a reading of the metric as the simulated pods would give it. It uses the map of samples of the reading before
// again, which nobody keeps.
func spread(spec *autoscalingv2.MetricSpec, recorded hpa.Reading, m *moment, pods []hpa.Pod, again map[string]hpa.Sample) hpa.Reading {
	if recorded.Err != nil {
		return recorded // what is not known is not known with other pods either
	}
	serving := 0 // the oldest: pods become ready in the order in which they were started
	for serving < len(pods) && pods[serving].Phase == corev1.PodRunning {
		serving++
	}
	switch {
	case isPerPod(spec):
		return spreadPerPod(recorded, m, pods, serving, again)
	case hasPlainValue(spec) && m.ready > 0 && serving > 0:
		out := hpa.Reading{Time: recorded.Time, Values: make([]int64, len(recorded.Values))}
		for i, v := range recorded.Values {
			scaled := float64(v) * float64(m.ready) / float64(serving)
			if scaled >= math.MaxInt64 {
				return hpa.Reading{Err: errors.New("the value is too large to count in thousandths")}
			}
			out.Values[i] = int64(scaled)
		}
		return out
	}
	return recorded
}

func spreadPerPod(recorded hpa.Reading, m *moment, pods []hpa.Pod, serving int, again map[string]hpa.Sample) hpa.Reading {
	if again == nil {
		again = make(map[string]hpa.Sample, len(pods))
	}
	clear(again)
	out := hpa.Reading{Pods: again}
	var total float64
	var like hpa.Sample
	for _, s := range recorded.Pods {
		total += float64(s.Milli)
		like = s
	}
	// A pod that serves and has no sample yet carries a share like the others.
	total += total / float64(len(recorded.Pods)) * float64(lacking(recorded, m))
	if total >= math.MaxInt64 {
		return hpa.Reading{Err: errors.New("the sum of the values is too large to count in thousandths")}
	}
	if serving > 0 {
		share := hpa.Sample{Milli: int64(total) / int64(serving), Time: like.Time, Window: like.Window}
		for i := range serving {
			out.Pods[pods[i].Name] = share
		}
	}
	if len(recorded.Requests) > 0 {
		out.Requests = make(map[string]int64, len(pods))
		request := mean(recorded.Requests)
		for i := range pods {
			out.Requests[pods[i].Name] = request
		}
	}
	return out
}

// lacking counts recorded pods that serve and have no sample. One that is only taken to be ready has none, most likely, because it has
// just begun and serves nobody yet.
func lacking(recorded hpa.Reading, m *moment) (n int) {
	if m.readyAssumed {
		return 0
	}
	for i := range m.pods {
		p := &m.pods[i]
		if _, found := recorded.Pods[p.Name]; !found && p.Phase == corev1.PodRunning && p.Ready == corev1.ConditionTrue && !p.Deleting {
			n++
		}
	}
	return n
}

func mean(values map[string]int64) int64 {
	var sum float64
	for _, v := range values {
		sum += float64(v)
	}
	return int64(sum / float64(len(values)))
}

func hasPlainValue(m *autoscalingv2.MetricSpec) bool {
	switch m.Type {
	case autoscalingv2.ObjectMetricSourceType:
		return m.Object.Target.Type == autoscalingv2.ValueMetricType
	case autoscalingv2.ExternalMetricSourceType:
		return m.External.Target.AverageValue == nil
	}
	return false
}
