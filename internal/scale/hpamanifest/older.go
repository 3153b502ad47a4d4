package hpamanifest

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/strictyaml"
)

// Annotations in which autoscaling/v1 keeps what it has no fields for (k8s.io/kubernetes/pkg/apis/autoscaling/annotations.go).
const (
	annotationPrefix     = "autoscaling.alpha.kubernetes.io/"
	metricsAnnotation    = annotationPrefix + "metrics"
	behaviorAnnotation   = annotationPrefix + "behavior"
	conditionsAnnotation = annotationPrefix + "conditions"
	statusAnnotation     = annotationPrefix + "current-metrics"
)

func (c *converter) fromBeta1(n *yaml.Node, out *autoscalingv2.HorizontalPodAutoscaler) {
	c.doc.Places = (*beta1)(nil)
	var in beta1
	if c.errs = c.doc.DecodeField(n, c.path, &in); len(c.errs) > 0 {
		return
	}
	out.ObjectMeta = c.metadata(in.Metadata)
	out.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: reference(in.Spec.ScaleTargetRef), MinReplicas: in.Spec.MinReplicas, MaxReplicas: in.Spec.MaxReplicas}
	for i, m := range in.Spec.Metrics {
		out.Spec.Metrics = append(out.Spec.Metrics, c.beta1Source(fmt.Sprintf("spec.metrics[%d]", i), m))
	}
}

func (c *converter) fromFirst(n *yaml.Node, out *autoscalingv2.HorizontalPodAutoscaler) {
	c.doc.Places = (*first)(nil)
	var in first
	if c.errs = c.doc.DecodeField(n, c.path, &in); len(c.errs) > 0 {
		return
	}
	out.ObjectMeta = c.metadata(in.Metadata)
	out.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: reference(in.Spec.ScaleTargetRef), MinReplicas: in.Spec.MinReplicas, MaxReplicas: in.Spec.MaxReplicas}
	if percent := in.Spec.TargetCPUUtilizationPercentage; percent != nil {
		const field = "spec.targetCPUUtilizationPercentage"
		c.change(field, "became a metric of type Resource: cpu at averageUtilization %d", *percent)
		out.Spec.Metrics = append(out.Spec.Metrics, autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: percent},
		}})
	}
	c.annotations(out)
}

// annotations turns the annotations of autoscaling/v1 into fields.
func (c *converter) annotations(out *autoscalingv2.HorizontalPodAutoscaler) {
	path := func(name string) string { return strictyaml.Join("metadata.annotations", name) }
	if text, ok := out.Annotations[metricsAnnotation]; ok {
		var in struct {
			Metrics []beta1Metric `yaml:"metrics"`
		}
		if c.inAnnotation(path(metricsAnnotation), `{"metrics": `+text+"}", &in) {
			c.change(path(metricsAnnotation), "became spec.metrics")
			for i, m := range in.Metrics {
				out.Spec.Metrics = append(out.Spec.Metrics, c.beta1Source(fmt.Sprintf("%s[%d]", path(metricsAnnotation), i), m))
			}
		}
	}
	if text, ok := out.Annotations[behaviorAnnotation]; ok {
		// The API server writes the names of its own program there, in capitals; encoding/json takes both.
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		out.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
		if err := decoder.Decode(out.Spec.Behavior); err != nil {
			c.fail(path(behaviorAnnotation), "write spec.behavior of autoscaling/v2", "is not the behavior of an autoscaler")
		}
		c.change(path(behaviorAnnotation), "became spec.behavior")
	}
	for _, name := range []string{metricsAnnotation, behaviorAnnotation, conditionsAnnotation, statusAnnotation} {
		delete(out.Annotations, name)
	}
}

// inAnnotation reads the text of an annotation, strictly; mistakes are at the annotation.
func (c *converter) inAnnotation(path, text string, out any) bool {
	docs, errs := strictyaml.Parse(c.doc.File(), []byte(text))
	if len(errs) == 0 && len(docs) == 1 {
		docs[0].NullIsLeftOut = true
		errs = docs[0].Decode(out)
	}
	for _, e := range errs {
		c.fail(path, e.Hint, "%s", strings.TrimPrefix(e.Path+": "+e.Message, ": "))
	}
	return len(errs) == 0
}

// beta1Source turns a metric of v2beta1 into one of v2.
func (c *converter) beta1Source(path string, m beta1Metric) autoscalingv2.MetricSpec {
	c.oneSource(path, m.Type, map[string]bool{
		"object": m.Object != nil, "pods": m.Pods != nil, "resource": m.Resource != nil, "containerResource": m.ContainerResource != nil, "external": m.External != nil,
	})
	out := autoscalingv2.MetricSpec{Type: autoscalingv2.MetricSourceType(m.Type)}
	if s := m.Pods; s != nil {
		c.change(path+".pods", "metricName and selector became metric, targetAverageValue became target.averageValue")
		out.Pods = &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: labelSelector(s.Selector)},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: s.TargetAverageValue.pointer()},
		}
	}
	if s := m.Object; s != nil {
		c.change(path+".object", "target became describedObject, metricName and selector became metric, the value became target")
		out.Object = &autoscalingv2.ObjectMetricSource{
			DescribedObject: reference(s.Target), Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: labelSelector(s.Selector)},
			Target: c.objectTarget(path+".object", s),
		}
	}
	if s := m.Resource; s != nil {
		c.change(path+".resource", "targetAverageUtilization and targetAverageValue became target")
		out.Resource = &autoscalingv2.ResourceMetricSource{Name: corev1.ResourceName(s.Name), Target: c.resourceTarget(path+".resource", s)}
		if s.Container != "" {
			c.fail(path+".resource.container", "write type: ContainerResource", "a metric of type Resource is about whole pods")
		}
	}
	if s := m.ContainerResource; s != nil {
		c.change(path+".containerResource", "targetAverageUtilization and targetAverageValue became target")
		out.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{
			Name: corev1.ResourceName(s.Name), Container: s.Container, Target: c.resourceTarget(path+".containerResource", s),
		}
	}
	if s := m.External; s != nil {
		c.change(path+".external", "metricName and metricSelector became metric, the value became target")
		out.External = &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: labelSelector(s.MetricSelector)},
			Target: c.oneTarget(path+".external", s.TargetValue, s.TargetAverageValue, "targetValue", "targetAverageValue"),
		}
	}
	return out
}

// objectTarget returns the target of an object's metric. The API server has always taken averageValue before targetValue, which
// v2beta1 requires even then.
func (c *converter) objectTarget(path string, s *beta1ObjectSource) autoscalingv2.MetricTarget {
	if s.AverageValue != nil {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: s.AverageValue.pointer()}
	}
	return c.oneTarget(path, s.TargetValue, nil, "targetValue", "averageValue")
}

func (c *converter) resourceTarget(path string, s *beta1ResourceSource) autoscalingv2.MetricTarget {
	if s.TargetAverageUtilization == nil {
		return c.oneTarget(path, nil, s.TargetAverageValue, "targetAverageUtilization", "targetAverageValue")
	}
	if s.TargetAverageValue != nil {
		c.fail(path, "leave one", "want exactly one of targetAverageUtilization and targetAverageValue, got both")
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: s.TargetAverageUtilization}
}

// oneTarget returns the target of which exactly one value is given.
func (c *converter) oneTarget(path string, value, average *quantity, valueName, averageName string) autoscalingv2.MetricTarget {
	switch {
	case value != nil && average != nil:
		c.fail(path, "leave one", "want exactly one of %s and %s, got both", valueName, averageName)
	case value == nil && average == nil:
		c.fail(path, "add "+averageName+": the value per pod, as 10m", "want exactly one of %s and %s, got none", valueName, averageName)
	case value != nil:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: value.pointer()}
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: average.pointer()}
}
