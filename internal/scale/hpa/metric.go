package hpa

import (
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// metric is one metric's way from the spec and the reading to a proposal.
type metric struct {
	in      *Input
	reading *Reading
	result  MetricResult
	failed  string // the reason of the condition if the value is not known
	outer   string // what the error of the whole decision puts before the metric's own
}

var noReading = Reading{Err: errors.New("there is no reading")}

// propose computes what the i-th metric of the spec asks for.
func (in *Input) propose(i int) metric {
	m := metric{in: in, reading: &noReading}
	if i < len(in.Readings) {
		m.reading = &in.Readings[i]
	}
	spec := &in.Spec.Metrics[i]
	m.result.Source = spec.Type
	m.result.Err = m.dispatch(spec)
	if cause := m.reading.Err; cause != nil && errors.Is(m.result.Err, cause) {
		m.result.cause = cause
	}
	return m
}

func (m *metric) dispatch(spec *autoscalingv2.MetricSpec) error {
	switch {
	case spec.Type == autoscalingv2.PodsMetricSourceType && spec.Pods != nil:
		return m.pods(spec.Pods)
	case spec.Type == autoscalingv2.ObjectMetricSourceType && spec.Object != nil:
		return m.object(spec.Object)
	case spec.Type == autoscalingv2.ExternalMetricSourceType && spec.External != nil:
		return m.external(spec.External)
	case spec.Type == autoscalingv2.ResourceMetricSourceType && spec.Resource != nil:
		m.failed, m.outer = "FailedGetResourceMetric", fmt.Sprintf("failed to get %s resource metric value", spec.Resource.Name)
		return m.resource(spec.Resource.Name, spec.Resource.Target, "resource")
	case spec.Type == autoscalingv2.ContainerResourceMetricSourceType && spec.ContainerResource != nil:
		c := spec.ContainerResource
		m.failed, m.outer = "FailedGetContainerResourceMetric", fmt.Sprintf("failed to get %s container metric value", c.Container)
		return m.resource(c.Name, c.Target, "container resource")
	default:
		m.failed, m.outer = "InvalidMetricSourceType", "invalid metric source"
		return fmt.Errorf("unknown metric source type %q", spec.Type)
	}
}

func (m *metric) pods(src *autoscalingv2.PodsMetricSource) error {
	m.result.Name, m.result.Description = src.Metric.Name, "pods metric "+src.Metric.Name
	m.failed, m.outer = "FailedGetPodsMetric", "failed to get pods metric value"
	if src.Target.AverageValue == nil {
		return errors.New("invalid pods metric source: no average value target was set")
	}
	if m.reading.Err != nil {
		return fmt.Errorf("unable to get metric %s: %w", src.Metric.Name, m.reading.Err)
	}
	return m.perPod("", m.averageValue(src.Target.AverageValue), false)
}

func (m *metric) resource(name corev1.ResourceName, target autoscalingv2.MetricTarget, what string) error {
	m.result.Name = string(name)
	switch {
	case target.AverageValue != nil:
		m.result.Description = fmt.Sprintf("%s resource", name)
		milli := m.averageValue(target.AverageValue)
		if m.reading.Err != nil {
			return fmt.Errorf("failed to get %s usage: unable to get metrics for resource %s: %w", name, name, m.reading.Err)
		}
		if err := m.perPod(name, milli, false); err != nil {
			return fmt.Errorf("failed to get %s usage: %w", name, err)
		}
	case target.AverageUtilization != nil:
		m.result.Description = fmt.Sprintf("%s %s utilization (percentage of request)", name, what)
		m.result.Target = Amount{Kind: autoscalingv2.UtilizationMetricType, Percent: *target.AverageUtilization}
		if m.reading.Err != nil {
			return fmt.Errorf("failed to get %s utilization: unable to get metrics for resource %s: %w", name, name, m.reading.Err)
		}
		if err := m.perPod(name, int64(*target.AverageUtilization), true); err != nil {
			return fmt.Errorf("failed to get %s utilization: %w", name, err)
		}
	default:
		return errors.New("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set")
	}
	return nil
}

func (m *metric) object(src *autoscalingv2.ObjectMetricSource) error {
	m.result.Name = src.Metric.Name
	m.result.Description = fmt.Sprintf("%s metric %s", src.DescribedObject.Kind, src.Metric.Name)
	m.failed, m.outer = "FailedGetObjectMetric", "failed to get object metric value"
	err := m.reading.Err
	if err == nil && len(m.reading.Values) != 1 {
		err = fmt.Errorf("%d values instead of one", len(m.reading.Values))
	}
	wrap := func(err error) error {
		return fmt.Errorf("unable to get metric %s: %w on %s %s/%s", src.Metric.Name, err, src.DescribedObject.Kind, m.in.Namespace, src.DescribedObject.Name)
	}
	switch target := src.Target; {
	case target.Type == autoscalingv2.ValueMetricType && target.Value != nil:
		milli := m.value(target.Value)
		if err != nil {
			return wrap(err)
		}
		return m.whole(milli)
	case target.Type == autoscalingv2.AverageValueMetricType && target.AverageValue != nil:
		// Kubernetes describes this kind of object metric as an external one.
		m.result.Description = externalDescription(src.Metric)
		milli := m.averageValue(target.AverageValue)
		if err != nil {
			return wrap(err)
		}
		return m.shared(milli)
	default:
		return errors.New("invalid object metric source: neither a value target nor an average value target was set")
	}
}

func (m *metric) external(src *autoscalingv2.ExternalMetricSource) error {
	m.result.Name, m.result.Description = src.Metric.Name, externalDescription(src.Metric)
	m.failed, m.outer = "FailedGetExternalMetric", fmt.Sprintf("failed to get %s external metric value", src.Metric.Name)
	err := m.reading.Err
	if err == nil && len(m.reading.Values) == 0 {
		err = errors.New("no metrics returned")
	}
	if err != nil {
		err = fmt.Errorf("unable to get external metric %s/%s/%+v: %w", m.in.Namespace, src.Metric.Name, src.Metric.Selector, err)
	}
	switch {
	case src.Target.AverageValue != nil:
		milli := m.averageValue(src.Target.AverageValue)
		if err != nil {
			return err
		}
		return m.shared(milli)
	case src.Target.Value != nil:
		milli := m.value(src.Target.Value)
		if err != nil {
			return err
		}
		return m.whole(milli)
	default:
		return errors.New("invalid external metric source: neither a value target nor an average value target was set")
	}
}

func externalDescription(id autoscalingv2.MetricIdentifier) string {
	return fmt.Sprintf("external metric %s(%+v)", id.Name, id.Selector)
}

// averageValue and value note the target and return it in thousandths.
func (m *metric) averageValue(q *resource.Quantity) int64 {
	m.result.Target = Amount{Kind: autoscalingv2.AverageValueMetricType, Milli: q.MilliValue()}
	return m.result.Target.Milli
}

func (m *metric) value(q *resource.Quantity) int64 {
	m.result.Target = Amount{Kind: autoscalingv2.ValueMetricType, Milli: q.MilliValue()}
	return m.result.Target.Milli
}

var errTarget = errors.New("the target is not above zero")

// whole compares the value of the whole service with its target.
func (m *metric) whole(target int64) error {
	total, err := m.total(target)
	if err != nil {
		return err
	}
	in, r := m.in, &m.result
	r.Current = Amount{Kind: autoscalingv2.ValueMetricType, Milli: total}
	r.Ratio = float64(total) / float64(target)
	if in.Replicas == 0 { // nothing to multiply with: the value in units of the target
		r.Replicas, r.Verdict = replicas(r.Ratio), Follows
		return nil
	}
	if in.tolerance().holds(r.Ratio) {
		r.Replicas, r.Verdict = in.Replicas, WithinTolerance
		return nil
	}
	if len(in.Pods) == 0 {
		return errors.New("unable to calculate ready pods: no pods returned by selector while calculating replica count")
	}
	r.Pods.Ready = readyPods(in.Pods)
	r.Replicas, r.Verdict = replicas(r.Ratio*float64(r.Pods.Ready)), Follows
	return nil
}

// shared compares the value's share per observed replica with its target.
func (m *metric) shared(target int64) error {
	total, err := m.total(target)
	if err != nil {
		return err
	}
	in, r := m.in, &m.result
	r.Pods.Ready = int(in.Observed)
	r.Current = Amount{Kind: autoscalingv2.AverageValueMetricType, Milli: total}
	r.Replicas, r.Verdict = replicas(float64(total)/float64(target)), Follows
	if in.Observed <= 0 { // no replica to share it: the tolerance has nothing to compare
		r.Ratio = float64(total) / float64(target)
		return nil
	}
	r.Ratio = float64(total) / (float64(target) * float64(in.Observed))
	r.Current.Milli = ceilDiv(total, int64(in.Observed))
	if in.tolerance().holds(r.Ratio) {
		r.Replicas, r.Verdict = in.Observed, WithinTolerance
	}
	return nil
}

func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 {
		q++
	}
	return q
}

// total adds up the values of an object or external metric.
func (m *metric) total(target int64) (t int64, err error) {
	if target <= 0 {
		return 0, errTarget
	}
	for _, v := range m.reading.Values {
		if t, err = sum(t, v); err != nil {
			return 0, err
		}
	}
	m.result.Time = m.reading.Time
	return t, nil
}
