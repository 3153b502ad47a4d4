package hpa_test

import (
	"fmt"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// noon is when every test's first decision is made.
var noon = time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)

func quantity(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}

// podsMetric is a metric that has a value per pod.
func podsMetric(name, averageValue string) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: name},
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity(averageValue)},
	}}
}

func cpu(percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name:   corev1.ResourceCPU,
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}
}

func cpuAverage(value string) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name:   corev1.ResourceCPU,
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity(value)},
	}}
}

func containerCPU(container string, percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
		Name: corev1.ResourceCPU, Container: container,
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}
}

func target(value, averageValue string) autoscalingv2.MetricTarget {
	if value != "" {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: quantity(value)}
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity(averageValue)}
}

func object(t autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
		DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: "clicks"},
		Metric:          autoscalingv2.MetricIdentifier{Name: "qps"}, Target: t,
	}}
}

func external(t autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "queue"}, Target: t,
	}}
}

// spec scales between bounds on the metrics.
func spec(least, most int32, metrics ...autoscalingv2.MetricSpec) *autoscalingv2.HorizontalPodAutoscalerSpec {
	return &autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "clicks"},
		MinReplicas:    &least, MaxReplicas: most, Metrics: metrics,
	}
}

func podName(i int) string { return fmt.Sprintf("clicks-%d", i) }

// serving returns n pods that have been ready for long, changed as the functions say.
func serving(n int, changes ...func([]hpa.Pod)) []hpa.Pod {
	pods := make([]hpa.Pod, n)
	for i := range pods {
		pods[i] = hpa.Pod{Name: podName(i), Phase: corev1.PodRunning, Ready: corev1.ConditionTrue,
			Started: noon.Add(-time.Hour), ReadyChanged: noon.Add(-time.Hour + 10*time.Second)}
	}
	for _, c := range changes {
		c(pods)
	}
	return pods
}

func change(f func(*hpa.Pod), which ...int) func([]hpa.Pod) {
	return func(pods []hpa.Pod) {
		for _, i := range which {
			f(&pods[i])
		}
	}
}

func pending(which ...int) func([]hpa.Pod) {
	return change(func(p *hpa.Pod) { p.Phase, p.Ready, p.Started = corev1.PodPending, corev1.ConditionFalse, time.Time{} }, which...)
}

// unready pods run, but have never been ready.
func unready(which ...int) func([]hpa.Pod) {
	return change(func(p *hpa.Pod) { p.Ready, p.ReadyChanged = corev1.ConditionFalse, p.Started.Add(3*time.Second) }, which...)
}

// young pods are ready, but so new that their CPU shows their start.
func young(which ...int) func([]hpa.Pod) {
	return change(func(p *hpa.Pod) { p.Started, p.ReadyChanged = noon.Add(-time.Minute), noon.Add(-time.Second) }, which...)
}

func failed(which ...int) func([]hpa.Pod) {
	return change(func(p *hpa.Pod) { p.Phase, p.Ready = corev1.PodFailed, corev1.ConditionFalse }, which...)
}

func deleting(which ...int) func([]hpa.Pod) {
	return change(func(p *hpa.Pod) { p.Deleting = true }, which...)
}

const absent = -1

// samples gives the i-th pod the i-th value in thousandths; absent gives none.
func samples(milli ...int64) hpa.Reading {
	r := hpa.Reading{Pods: map[string]hpa.Sample{}}
	for i, m := range milli {
		if m != absent {
			r.Pods[podName(i)] = hpa.Sample{Milli: m, Time: noon.Add(-10 * time.Second), Window: 30 * time.Second}
		}
	}
	return r
}

func (s situation) withRequests(milli ...int64) situation {
	s.reading.Requests = map[string]int64{}
	for i, m := range milli {
		s.reading.Requests[podName(i)] = m
	}
	return s
}

func values(milli ...int64) hpa.Reading {
	return hpa.Reading{Values: milli, Time: noon.Add(-10 * time.Second)}
}

// situation is one metric, the pods and what was read of it.
type situation struct {
	metric   autoscalingv2.MetricSpec
	behavior *autoscalingv2.HorizontalPodAutoscalerBehavior
	replicas int32 // 0: as many as pods
	pods     []hpa.Pod
	reading  hpa.Reading
}

func (s situation) input() hpa.Input {
	in := hpa.Input{Namespace: "default", Spec: spec(1, 1000, s.metric), Replicas: s.replicas, Observed: int32(len(s.pods)),
		Pods: s.pods, Readings: []hpa.Reading{s.reading}, Settings: hpa.DefaultSettings(), Now: noon}
	if in.Replicas == 0 {
		in.Replicas = int32(len(s.pods))
	}
	in.Spec.Behavior = s.behavior
	return in
}

// proposal decides and returns the metric's part.
func (s situation) proposal(t *testing.T) hpa.MetricResult {
	t.Helper()
	d, _ := hpa.Decide(s.input(), hpa.State{})
	if len(d.Metrics) != 1 {
		t.Fatalf("the metric was not looked at: outcome %s, %s", d.Outcome, d.Reason())
	}
	return d.Metrics[0]
}
