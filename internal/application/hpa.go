package application

import (
	"github.com/prometheus/prometheus/promql/parser"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// HPASpec returns how the application scales, as the spec of a HorizontalPodAutoscaler. The metrics carry the names of
// the signals; [Application.Queries] has their queries. An application without scale, or with a fixed number of replicas,
// has no metrics: see [Application.Scales].
func (a *Application) HPASpec() autoscalingv2.HorizontalPodAutoscalerSpec {
	low, high := a.Replicas()
	least := int32(low)
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: a.Metadata.Name},
		MinReplicas:    &least,
		MaxReplicas:    int32(high),
	}
	if a.Spec.Scale == nil {
		return spec
	}
	for _, on := range a.Spec.Scale.On {
		spec.Metrics = append(spec.Metrics, a.metricSpec(on))
	}
	if b := a.Spec.Scale.Behavior; b != nil {
		spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: b.ScaleUp.rules(), ScaleDown: b.ScaleDown.rules()}
	}
	return spec
}

func (a *Application) metricSpec(on ScaleMetric) autoscalingv2.MetricSpec {
	name := autoscalingv2.MetricIdentifier{Name: on.Signal}
	if on.Value != nil {
		v := on.Value.DeepCopy()
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: name, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &v},
		}}
	}
	v := on.AverageValue.DeepCopy()
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &v}
	if !a.PerPod(on.Signal) {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Metric: name, Target: target}}
	}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: name, Target: target}}
}

// PerPod says whether the series of a signal still have the label pod, so that it has a value for each pod.
func (a *Application) PerPod(signal string) bool {
	expr, err := parseQuery(a.Spec.Signals[signal].Query)
	return err == nil && keepsLabel(expr, "pod")
}

// KeepsLabel says whether the series that an expression returns still have a label, if the series in it have.
func KeepsLabel(expr parser.Expr, label string) bool { return keepsLabel(expr, label) }

// rules returns r in autoscaling/v2's type; nil stays nil.
func (r *ScalingRules) rules() *autoscalingv2.HPAScalingRules {
	if r == nil {
		return nil
	}
	out := &autoscalingv2.HPAScalingRules{}
	if r.StabilizationWindowSeconds != nil {
		seconds := *r.StabilizationWindowSeconds
		out.StabilizationWindowSeconds = &seconds
	}
	if r.SelectPolicy != "" {
		policy := autoscalingv2.ScalingPolicySelect(r.SelectPolicy)
		out.SelectPolicy = &policy
	}
	for _, p := range r.Policies {
		out.Policies = append(out.Policies, autoscalingv2.HPAScalingPolicy{
			Type: autoscalingv2.HPAScalingPolicyType(p.Type), Value: p.Value, PeriodSeconds: p.PeriodSeconds,
		})
	}
	if r.Tolerance != nil {
		tolerance := r.Tolerance.DeepCopy()
		out.Tolerance = &tolerance
	}
	return out
}

// Scales says whether the number of replicas follows a signal.
func (a *Application) Scales() bool { return a.Spec.Scale != nil && len(a.Spec.Scale.On) > 0 }

// Replicas returns the smallest and largest number of replicas: 1 and 1 without scale.
func (a *Application) Replicas() (low, high int) {
	if a.Spec.Scale == nil {
		return 1, 1
	}
	return a.Spec.Scale.Min, a.Spec.Scale.Max
}

// Queries returns the PromQL of each signal by its name.
func (a *Application) Queries() map[string]string {
	out := make(map[string]string, len(a.Spec.Signals))
	for name, s := range a.Spec.Signals {
		out[name] = s.Query
	}
	return out
}
