package hpadiff

import (
	"math/rand/v2"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// used reads the resource metrics API. The first metric of each resource decides how much of it is used.
func (w *world) used(r *rand.Rand, resources []int, now time.Time) {
	w.usage = usage{away: w.outage[resources[0]] > 0}
	load := map[corev1.ResourceName]func(request int64) float64{}
	for _, i := range resources {
		name, target := resourceOf(&w.spec.Metrics[i])
		if load[name] != nil {
			continue
		}
		share := w.demand[i] / max(1, float64(len(w.alive())))
		load[name] = func(request int64) float64 {
			if target.AverageUtilization != nil {
				return share * float64(request) * float64(*target.AverageUtilization) / 100
			}
			return share * float64(target.AverageValue.MilliValue()) / float64(len(containers))
		}
	}
	for _, p := range w.pods {
		if w.silent(r, p) && r.IntN(2) == 0 {
			continue
		}
		u := podUsage{pod: p.Name, at: ago(r, now, 60).Time, window: pick[time.Duration](r, 10, 30, 60) * time.Second}
		for c := range p.Spec.Containers {
			used := map[corev1.ResourceName]int64{}
			for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				request := p.Spec.Containers[c].Resources.Requests[name]
				if of := load[name]; of != nil && !chance(r, w.rates.missing/4) {
					used[name] = int64(of(request.MilliValue()) * (0.8 + 0.4*r.Float64()))
				}
			}
			u.containers = append(u.containers, used)
		}
		w.usage.pods = append(w.usage.pods, u)
	}
	if n := len(w.usage.pods); n > 0 && chance(r, w.rates.extra) {
		gone := w.usage.pods[r.IntN(n)]
		gone.pod = service + "-gone"
		w.usage.pods = append(w.usage.pods, gone)
	}
}

func resourceOf(m *autoscalingv2.MetricSpec) (corev1.ResourceName, autoscalingv2.MetricTarget) {
	if m.Type == autoscalingv2.ContainerResourceMetricSourceType {
		return m.ContainerResource.Name, m.ContainerResource.Target
	}
	return m.Resource.Name, m.Resource.Target
}
