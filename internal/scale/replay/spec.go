package replay

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// described returns a metric's name and its target as kubectl writes them.
func described(m *autoscalingv2.MetricSpec) (name, target string) {
	t := targetOf(m)
	switch m.Type {
	case autoscalingv2.PodsMetricSourceType:
		name = m.Pods.Metric.Name
	case autoscalingv2.ObjectMetricSourceType:
		name = m.Object.Metric.Name
	case autoscalingv2.ExternalMetricSourceType:
		name = m.External.Metric.Name
	case autoscalingv2.ResourceMetricSourceType:
		name = string(m.Resource.Name)
	case autoscalingv2.ContainerResourceMetricSourceType:
		name = string(m.ContainerResource.Name)
	}
	switch {
	case t.AverageValue != nil:
		return name, t.AverageValue.String() + " per replica"
	case t.Value != nil:
		return name, t.Value.String()
	case t.AverageUtilization != nil:
		return name, fmt.Sprintf("%d%% of the request", *t.AverageUtilization)
	}
	return name, ""
}

// MetricName returns the name of a spec's metric; a resource's for metrics of resources.
func MetricName(m *autoscalingv2.MetricSpec) string {
	name, _ := described(m)
	return name
}

// specLine says what matters of a spec.
func specLine(s *autoscalingv2.HorizontalPodAutoscalerSpec) string {
	least := int32(1)
	if s.MinReplicas != nil {
		least = *s.MinReplicas
	}
	parts := []string{fmt.Sprintf("%d to %d replicas", least, s.MaxReplicas)}
	for i := range s.Metrics {
		name, target := described(&s.Metrics[i])
		parts = append(parts, name+" "+target)
	}
	if b := s.Behavior; b != nil {
		parts = append(parts, direction("up", b.ScaleUp), direction("down", b.ScaleDown))
	}
	return strings.Join(strings.Fields(strings.Join(parts, ", ")), " ")
}

func direction(name string, r *autoscalingv2.HPAScalingRules) string {
	if r == nil {
		return name + " as by default"
	}
	var parts []string
	for _, p := range r.Policies {
		unit := " pods"
		if p.Type == autoscalingv2.PercentScalingPolicy {
			unit = "%"
		}
		parts = append(parts, fmt.Sprintf("%d%s per %d s", p.Value, unit, p.PeriodSeconds))
	}
	if r.SelectPolicy != nil && *r.SelectPolicy != autoscalingv2.MaxChangePolicySelect {
		parts = append(parts, "policy "+string(*r.SelectPolicy))
	}
	if r.StabilizationWindowSeconds != nil {
		parts = append(parts, fmt.Sprintf("window %d s", *r.StabilizationWindowSeconds))
	}
	if r.Tolerance != nil {
		parts = append(parts, "tolerance "+r.Tolerance.String())
	}
	if len(parts) == 0 {
		return name + " as by default"
	}
	return name + " " + strings.Join(parts, " or ")
}

// targetOf returns where a metric has its target.
func targetOf(m *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
	switch m.Type {
	case autoscalingv2.PodsMetricSourceType:
		return &m.Pods.Target
	case autoscalingv2.ObjectMetricSourceType:
		return &m.Object.Target
	case autoscalingv2.ExternalMetricSourceType:
		return &m.External.Target
	case autoscalingv2.ResourceMetricSourceType:
		return &m.Resource.Target
	case autoscalingv2.ContainerResourceMetricSourceType:
		return &m.ContainerResource.Target
	}
	return &autoscalingv2.MetricTarget{}
}

func targetValue(t *autoscalingv2.MetricTarget) float64 {
	switch {
	case t.AverageValue != nil:
		return t.AverageValue.AsApproximateFloat64()
	case t.Value != nil:
		return t.Value.AsApproximateFloat64()
	case t.AverageUtilization != nil:
		return float64(*t.AverageUtilization)
	}
	return 0
}
