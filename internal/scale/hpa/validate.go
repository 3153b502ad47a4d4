package hpa

import (
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/hint"
)

// Validate says what in a spec would keep it from working, as the API server would before the autoscaler sees it. The
// errors name fields as in the manifest and carry hints.
func Validate(spec *autoscalingv2.HorizontalPodAutoscalerSpec) error {
	errs := bounds(spec)
	if len(spec.Metrics) == 0 {
		errs = append(errs, hint.Errorf("add a metric with a target, for instance type: Pods with an averageValue",
			"spec.metrics: there is no metric to scale on"))
	}
	for i := range spec.Metrics {
		if err := source(&spec.Metrics[i]); err != nil {
			errs = append(errs, fmt.Errorf("spec.metrics[%d]%w", i, err))
		}
	}
	if b := spec.Behavior; b != nil {
		errs = append(errs, direction("spec.behavior.scaleUp", b.ScaleUp), direction("spec.behavior.scaleDown", b.ScaleDown))
	}
	return errors.Join(errs...)
}

func bounds(spec *autoscalingv2.HorizontalPodAutoscalerSpec) (errs []error) {
	least := int32(1)
	if spec.MinReplicas != nil {
		least = *spec.MinReplicas
	}
	zero := false
	for i := range spec.Metrics {
		t := spec.Metrics[i].Type
		zero = zero || t == autoscalingv2.ObjectMetricSourceType || t == autoscalingv2.ExternalMetricSourceType
	}
	switch {
	case least < 0:
		errs = append(errs, hint.Errorf("use 1 or more", "spec.minReplicas: %d is negative", least))
	case least == 0 && !zero:
		errs = append(errs, hint.Errorf("use 1, or add an Object or External metric, which has a value without any pod",
			"spec.minReplicas: 0 needs a metric that does not come from the pods"))
	}
	switch {
	case spec.MaxReplicas < 1:
		errs = append(errs, hint.Errorf("use 1 or more", "spec.maxReplicas: %d is less than 1", spec.MaxReplicas))
	case spec.MaxReplicas < least:
		errs = append(errs, hint.Errorf("raise maxReplicas or lower minReplicas",
			"spec.maxReplicas: %d is less than spec.minReplicas, %d", spec.MaxReplicas, least))
	}
	return errs
}

// source checks one metric; its errors begin with the rest of the field's path.
func source(m *autoscalingv2.MetricSpec) error {
	switch {
	case m.Type == autoscalingv2.PodsMetricSourceType && m.Pods != nil:
		return target(".pods", m.Pods.Metric.Name, m.Pods.Target, autoscalingv2.AverageValueMetricType)
	case m.Type == autoscalingv2.ObjectMetricSourceType && m.Object != nil:
		return target(".object", m.Object.Metric.Name, m.Object.Target, autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType)
	case m.Type == autoscalingv2.ExternalMetricSourceType && m.External != nil:
		return target(".external", m.External.Metric.Name, m.External.Target, autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType)
	case m.Type == autoscalingv2.ResourceMetricSourceType && m.Resource != nil:
		return target(".resource", string(m.Resource.Name), m.Resource.Target, autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType)
	case m.Type == autoscalingv2.ContainerResourceMetricSourceType && m.ContainerResource != nil:
		c := m.ContainerResource
		if c.Container == "" {
			return hint.Errorf("name the container", ".containerResource.container: it is empty")
		}
		return target(".containerResource", string(c.Name), c.Target, autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType)
	}
	return hint.Errorf("use one of Pods, Object, External, Resource, ContainerResource, with the field of that name",
		".type: %q has no source beside it", m.Type)
}

func target(path, name string, t autoscalingv2.MetricTarget, allowed ...autoscalingv2.MetricTargetType) error {
	if name == "" {
		return hint.Errorf("name the metric", "%s: the metric has no name", path)
	}
	given := 0
	for kind, q := range map[autoscalingv2.MetricTargetType]*resource.Quantity{
		autoscalingv2.ValueMetricType: t.Value, autoscalingv2.AverageValueMetricType: t.AverageValue,
	} {
		if q == nil {
			continue
		}
		given++
		if err := amount(path, kind, q.Sign() > 0, allowed); err != nil {
			return err
		}
	}
	if t.AverageUtilization != nil {
		given++
		if err := amount(path, autoscalingv2.UtilizationMetricType, *t.AverageUtilization > 0, allowed); err != nil {
			return err
		}
	}
	if given != 1 {
		return hint.Errorf(fmt.Sprintf("give exactly one of %v", allowed), "%s.target: %d amounts are given", path, given)
	}
	return nil
}

func amount(path string, kind autoscalingv2.MetricTargetType, positive bool, allowed []autoscalingv2.MetricTargetType) error {
	for _, a := range allowed {
		if a == kind {
			if !positive {
				return hint.Errorf("use an amount above zero", "%s.target: the %s is not above zero", path, kind)
			}
			return nil
		}
	}
	return hint.Errorf(fmt.Sprintf("use one of %v", allowed), "%s.target: it cannot be a %s", path, kind)
}

func direction(path string, r *autoscalingv2.HPAScalingRules) error {
	if r == nil {
		return nil
	}
	var errs []error
	if w := r.StabilizationWindowSeconds; w != nil && (*w < 0 || *w > 3600) {
		errs = append(errs, hint.Errorf("use 0 to 3600", "%s.stabilizationWindowSeconds: %d is out of range", path, *w))
	}
	if p := r.SelectPolicy; p != nil {
		switch *p {
		case autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect:
		default:
			errs = append(errs, hint.Errorf("use Max, Min or Disabled", "%s.selectPolicy: %q is unknown", path, *p))
		}
	}
	if r.Tolerance != nil && r.Tolerance.Sign() < 0 {
		errs = append(errs, hint.Errorf("use 0 or more", "%s.tolerance: %s is negative", path, r.Tolerance.String()))
	}
	if r.Policies != nil && len(r.Policies) == 0 {
		errs = append(errs, hint.Errorf("leave it out for the default", "%s.policies: the list is empty", path))
	}
	for i, p := range r.Policies {
		switch {
		case p.Type != autoscalingv2.PodsScalingPolicy && p.Type != autoscalingv2.PercentScalingPolicy:
			errs = append(errs, hint.Errorf("use Pods or Percent", "%s.policies[%d].type: %q is unknown", path, i, p.Type))
		case p.Value <= 0:
			errs = append(errs, hint.Errorf("use 1 or more", "%s.policies[%d].value: %d is not above zero", path, i, p.Value))
		case p.PeriodSeconds <= 0 || p.PeriodSeconds > 1800:
			errs = append(errs, hint.Errorf("use 1 to 1800", "%s.policies[%d].periodSeconds: %d is out of range", path, i, p.PeriodSeconds))
		}
	}
	return errors.Join(errs...)
}
