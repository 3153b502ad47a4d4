package hpadiff

import (
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// input says what our algorithm is to know of the world.
func (w *world) input() hpa.Input {
	in := hpa.Input{Namespace: namespace, Spec: w.spec, Replicas: w.replicas, Observed: w.observed, Settings: w.settings}
	for _, p := range w.pods {
		in.Pods = append(in.Pods, podOf(p))
	}
	for i := range w.spec.Metrics {
		in.Readings = append(in.Readings, w.reading(i))
	}
	return in
}

func podOf(p *corev1.Pod) hpa.Pod {
	pod := hpa.Pod{Name: p.Name, Phase: p.Status.Phase, Deleting: p.DeletionTimestamp != nil}
	for _, c := range p.Status.Conditions {
		pod.Ready, pod.ReadyChanged = c.Status, c.LastTransitionTime.Time
	}
	if p.Status.StartTime != nil {
		pod.Started = p.Status.StartTime.Time
	}
	return pod
}

// reading is one metric's. What went wrong is said in the words of Kubernetes' clients of the metrics APIs.
func (w *world) reading(i int) hpa.Reading {
	m := &w.measured[i]
	switch spec := &w.spec.Metrics[i]; spec.Type {
	case autoscalingv2.PodsMetricSourceType:
		if err := failure("custom", m.away, len(m.pods)); err != nil {
			return hpa.Reading{Err: err}
		}
		r := hpa.Reading{Pods: map[string]hpa.Sample{}}
		for _, s := range m.pods {
			r.Pods[s.pod] = hpa.Sample{Milli: s.milli, Time: s.at, Window: time.Minute}
		}
		return r
	case autoscalingv2.ObjectMetricSourceType:
		return hpa.Reading{Values: m.all, Time: m.at, Err: failure("custom", m.away, len(m.all))}
	case autoscalingv2.ExternalMetricSourceType:
		return hpa.Reading{Values: m.all, Time: m.at, Err: failure("external", m.away, len(m.all))}
	case autoscalingv2.ContainerResourceMetricSourceType:
		return w.resourceReading(spec.ContainerResource.Name, spec.ContainerResource.Container)
	default:
		return w.resourceReading(spec.Resource.Name, "")
	}
}

func failure(api string, away bool, answers int) error {
	switch {
	case away:
		return fmt.Errorf("unable to fetch metrics from %s metrics API: %w", api, errAway)
	case answers == 0:
		return fmt.Errorf("no metrics returned from %s metrics API", api)
	}
	return nil
}

// resourceReading adds up the usage and the requests of a container, or of all of them.
func (w *world) resourceReading(name corev1.ResourceName, container string) hpa.Reading {
	if err := failure("resource", w.usage.away, len(w.usage.pods)); err != nil {
		return hpa.Reading{Err: err}
	}
	r := hpa.Reading{Pods: map[string]hpa.Sample{}, Requests: map[string]int64{}}
	for _, u := range w.usage.pods {
		s := hpa.Sample{Time: u.at, Window: u.window}
		known := true
		for c, used := range u.containers {
			if container != "" && containers[c] != container {
				continue
			}
			milli, found := used[name]
			known = known && found
			s.Milli += milli
		}
		if known {
			r.Pods[u.pod] = s
		}
	}
	for _, p := range w.pods {
		var sum int64
		known := true
		for _, c := range p.Spec.Containers {
			if container != "" && c.Name != container {
				continue
			}
			request, found := c.Resources.Requests[name]
			known = known && found
			sum += request.MilliValue()
		}
		if known {
			r.Requests[p.Name] = sum
		}
	}
	return r
}
