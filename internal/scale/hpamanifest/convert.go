package hpamanifest

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/internal/strictyaml"
)

// converter makes an object of autoscaling/v2 from one of any version.
type converter struct {
	doc     *strictyaml.Document
	path    string // of the object in its document
	version string
	errs    strictyaml.Errors
	changes []Change
}

func (c *converter) fail(path, hint, format string, args ...any) {
	c.errs = append(c.errs, c.doc.Errorf(join(c.path, path), hint, format, args...))
}

func (c *converter) change(path, format string, args ...any) {
	c.changes = append(c.changes, Change{join(c.path, path), fmt.Sprintf(format, args...)})
}

// convert reads the object at a node.
func (c *converter) convert(n *yaml.Node) *autoscalingv2.HorizontalPodAutoscaler {
	out := &autoscalingv2.HorizontalPodAutoscaler{TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: kind}}
	if c.version != "autoscaling/v2" {
		c.change("apiVersion", "%s became autoscaling/v2", c.version)
	}
	switch c.version {
	case "autoscaling/v1":
		c.fromFirst(n, out)
	case "autoscaling/v2beta1":
		c.fromBeta1(n, out)
	default:
		c.fromCurrent(n, out)
	}
	return out
}

// metadata takes over what a manifest says of its object.
func (c *converter) metadata(m metadata) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, Namespace: m.Namespace, Labels: maps.Clone(m.Labels), Annotations: maps.Clone(m.Annotations)}
}

func (c *converter) fromCurrent(n *yaml.Node, out *autoscalingv2.HorizontalPodAutoscaler) {
	var in current
	if c.errs = c.doc.DecodeField(n, c.path, &in); len(c.errs) > 0 {
		return
	}
	out.ObjectMeta = c.metadata(in.Metadata)
	out.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: reference(in.Spec.ScaleTargetRef), MinReplicas: in.Spec.MinReplicas, MaxReplicas: in.Spec.MaxReplicas,
		Behavior: scalingBehavior(in.Spec.Behavior),
	}
	for i, m := range in.Spec.Metrics {
		c.oneSource(fmt.Sprintf("spec.metrics[%d]", i), m.Type, map[string]bool{
			"object": m.Object != nil, "pods": m.Pods != nil, "resource": m.Resource != nil, "containerResource": m.ContainerResource != nil, "external": m.External != nil,
		})
		out.Spec.Metrics = append(out.Spec.Metrics, currentSource(m))
	}
}

// sourceOf names the field of each type of metric.
var sourceOf = map[string]string{"Object": "object", "Pods": "pods", "Resource": "resource", "ContainerResource": "containerResource", "External": "external"}

// oneSource refuses a metric whose type and field don't go together.
func (c *converter) oneSource(path, metricType string, given map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch want := sourceOf[metricType]; {
		case name == want && !given[name]:
			c.fail(path, "add it: "+want+": {…}", "the metric of type %s has no %s", metricType, want)
		case name != want && given[name]:
			c.fail(path+"."+name, "leave it out, or change the type", "the metric is of type %s", metricType)
		}
	}
}

func currentSource(m currentMetric) autoscalingv2.MetricSpec {
	out := autoscalingv2.MetricSpec{Type: autoscalingv2.MetricSourceType(m.Type)}
	if s := m.Object; s != nil {
		out.Object = &autoscalingv2.ObjectMetricSource{DescribedObject: reference(s.DescribedObject), Target: metricTarget(s.Target), Metric: metricIdentifier(s.Metric)}
	}
	if s := m.Pods; s != nil {
		out.Pods = &autoscalingv2.PodsMetricSource{Metric: metricIdentifier(s.Metric), Target: metricTarget(s.Target)}
	}
	if s := m.Resource; s != nil {
		out.Resource = &autoscalingv2.ResourceMetricSource{Name: corev1.ResourceName(s.Name), Target: metricTarget(s.Target)}
	}
	if s := m.ContainerResource; s != nil {
		out.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{Name: corev1.ResourceName(s.Name), Container: s.Container, Target: metricTarget(s.Target)}
	}
	if s := m.External; s != nil {
		out.External = &autoscalingv2.ExternalMetricSource{Metric: metricIdentifier(s.Metric), Target: metricTarget(s.Target)}
	}
	return out
}

func reference(r crossReference) autoscalingv2.CrossVersionObjectReference {
	return autoscalingv2.CrossVersionObjectReference{Kind: r.Kind, Name: r.Name, APIVersion: r.APIVersion}
}

func metricTarget(t target) autoscalingv2.MetricTarget {
	return autoscalingv2.MetricTarget{
		Type: autoscalingv2.MetricTargetType(t.Type), Value: t.Value.pointer(), AverageValue: t.AverageValue.pointer(), AverageUtilization: t.AverageUtilization,
	}
}

// pointer returns the number in Kubernetes' own type; nil stays nil.
func (q *quantity) pointer() *resource.Quantity {
	if q == nil {
		return nil
	}
	copied := q.DeepCopy()
	return &copied
}

func metricIdentifier(i identifier) autoscalingv2.MetricIdentifier {
	return autoscalingv2.MetricIdentifier{Name: i.Name, Selector: labelSelector(i.Selector)}
}

func labelSelector(s *selector) *metav1.LabelSelector {
	if s == nil {
		return nil
	}
	out := &metav1.LabelSelector{MatchLabels: maps.Clone(s.MatchLabels)}
	for _, r := range s.MatchExpressions {
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: r.Key, Operator: metav1.LabelSelectorOperator(r.Operator), Values: slices.Clone(r.Values),
		})
	}
	return out
}

func scalingBehavior(b *behavior) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	if b == nil {
		return nil
	}
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: rules(b.ScaleUp), ScaleDown: rules(b.ScaleDown)}
}

func rules(r *scalingRules) *autoscalingv2.HPAScalingRules {
	if r == nil {
		return nil
	}
	out := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: r.StabilizationWindowSeconds, Tolerance: r.Tolerance.pointer()}
	if r.SelectPolicy != "" {
		selected := autoscalingv2.ScalingPolicySelect(r.SelectPolicy)
		out.SelectPolicy = &selected
	}
	for _, p := range r.Policies {
		out.Policies = append(out.Policies, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.HPAScalingPolicyType(p.Type), Value: p.Value, PeriodSeconds: p.PeriodSeconds})
	}
	return out
}
