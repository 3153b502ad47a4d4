package hpa

import (
	"errors"
	"fmt"
	"math"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// tally adds up what counts in an average over pods.
type tally struct {
	samples  int64 // how many samples, invented ones included
	known    int64 // how many of them are of listed pods
	milli    int64
	requests int64
}

// average is the working of a metric that has one sample per pod.
type average struct {
	*metric
	name        corev1.ResourceName
	target      int64 // thousandths, or percent of the request
	utilization bool
	counted     tally
	requests    [4]int64 // by group
	fallback    int64    // what the missing pods are taken to use when scaling down
}

var errNoSamples = errors.New("did not receive metrics for targeted pods (pods might be unready)")

// perPod computes the proposal of a Pods, Resource or ContainerResource metric. The name is "" for Pods metrics.
func (m *metric) perPod(name corev1.ResourceName, target int64, utilization bool) error {
	if target <= 0 {
		return errTarget
	}
	if len(m.in.Pods) == 0 {
		return errors.New("no pods returned by selector while calculating replica count")
	}
	if len(m.reading.Pods) == 0 {
		return errNoSamples
	}
	a := average{metric: m, name: name, target: target, utilization: utilization}
	if err := a.count(); err != nil {
		return err
	}
	ratio, err := a.ratio(&m.result)
	if err != nil {
		return err
	}
	return a.conclude(ratio)
}

// count groups the pods and adds up the samples of those that are ready.
func (a *average) count() error {
	if err := a.countSamples(); err != nil {
		return err
	}
	var lacking error // of requests: said only where there are samples to compare with them
	for i := range a.in.Pods {
		p := &a.in.Pods[i]
		s, found := a.reading.Pods[p.Name]
		g := a.in.groupOf(p, s, found, a.name)
		a.tallyGroup(g)
		if found {
			a.countSample(s, g)
		}
		if a.utilization && lacking == nil {
			lacking = a.countRequest(p.Name, g)
		}
	}
	if a.counted.samples == 0 {
		return errNoSamples
	}
	if lacking != nil {
		return lacking
	}
	a.counted.requests = a.requests[ready]
	return nil
}

// countSamples adds up all samples; countSample then takes out those that do not count. What is left are those of ready
// pods and, unless there are requests to compare with, those of pods that are not listed.
func (a *average) countSamples() (err error) {
	var all int64
	for name, s := range a.reading.Pods {
		if all, err = sum(all, s.Milli); err != nil {
			return fmt.Errorf("pod %s: %w", name, err)
		}
	}
	a.counted.samples = int64(len(a.reading.Pods))
	if !a.utilization {
		a.counted.milli = all
	}
	return nil
}

func (a *average) countSample(s Sample, g group) {
	if g != ready {
		a.counted.samples--
		if !a.utilization {
			a.counted.milli -= s.Milli
		}
		return
	}
	a.counted.known++
	if a.utilization {
		a.counted.milli += s.Milli
	}
	if a.result.Time.IsZero() || s.Time.Before(a.result.Time) {
		a.result.Time = s.Time
	}
}

func (a *average) tallyGroup(g group) {
	switch c := &a.result.Pods; g {
	case ready:
		c.Ready++
	case unready:
		c.Unready++
	case missing:
		c.Missing++
	case ignored:
		c.Ignored++
	}
}

func (a *average) countRequest(pod string, g group) (err error) {
	request, found := a.reading.Requests[pod]
	if !found {
		return fmt.Errorf("missing request for %s in pod %s", a.name, pod)
	}
	if a.requests[g], err = sum(a.requests[g], request); err != nil {
		return fmt.Errorf("request of pod %s: %w", pod, err)
	}
	if g != missing {
		return nil
	}
	// A target above 100 % would otherwise be undercut by pods of which nothing is known.
	percent := max(100, a.target)
	if request > math.MaxInt64/percent {
		return fmt.Errorf("request of pod %s: the value is too large", pod)
	}
	a.fallback, err = sum(a.fallback, request*percent/100)
	return err
}

// ratio compares the average with the target; if r is given, it notes the average there.
func (a *average) ratio(r *MetricResult) (float64, error) {
	t := a.counted
	if !a.utilization {
		mean := t.milli / t.samples
		if r != nil {
			r.Current = Amount{Kind: autoscalingv2.AverageValueMetricType, Milli: mean}
		}
		return float64(mean) / float64(a.target), nil
	}
	if t.requests == 0 {
		return 0, errors.New("no metrics returned matched known pods")
	}
	if t.milli > math.MaxInt64/100 || t.milli*100/t.requests > math.MaxInt32 {
		return 0, errors.New("the utilization is too large to count in percent")
	}
	percent := t.milli * 100 / t.requests
	if r != nil {
		r.Current = Amount{Kind: autoscalingv2.UtilizationMetricType, Percent: int32(percent)}
		r.Usage = Amount{Kind: autoscalingv2.AverageValueMetricType, Milli: t.milli / t.known}
	}
	return float64(percent) / float64(a.target), nil
}

// conclude turns the ratio into a proposal, being careful about pods of which nothing is known.
func (a *average) conclude(ratio float64) error {
	r, current := &a.result, a.in.Replicas
	tolerance := a.in.tolerance()
	r.Ratio, r.Replicas = ratio, current
	upWithUnready := r.Pods.Unready > 0 && ratio > 1
	if !upWithUnready && r.Pods.Missing == 0 {
		if tolerance.holds(ratio) {
			r.Verdict = WithinTolerance
			return nil
		}
		r.Replicas, r.Verdict = replicas(ratio*float64(r.Pods.Ready)), Follows
		return nil
	}
	if err := a.invent(ratio, upWithUnready); err != nil {
		return err
	}
	careful, err := a.ratio(nil)
	if err != nil {
		return err
	}
	r.Ratio = careful
	switch proposal := replicas(careful * float64(a.counted.samples)); {
	case tolerance.holds(careful):
		r.Verdict = WithinTolerance
	case ratio < 1 && careful > 1, ratio > 1 && careful < 1,
		careful < 1 && proposal > current, careful > 1 && proposal < current:
		r.Verdict = WouldReverse
	default:
		r.Replicas, r.Verdict = proposal, Follows
	}
	return nil
}

// invent adds the samples that missing and unready pods are taken to have: on target when scaling down, 0 when up.
func (a *average) invent(ratio float64, upWithUnready bool) (err error) {
	pods := a.result.Pods
	if pods.Missing > 0 && ratio != 1 {
		a.counted.samples += int64(pods.Missing)
		a.counted.requests += a.requests[missing]
		if ratio < 1 {
			fallback := a.fallback
			if !a.utilization {
				if a.target > math.MaxInt64/int64(pods.Missing) {
					return errors.New("the target is too large")
				}
				fallback = a.target * int64(pods.Missing)
			}
			if a.counted.milli, err = sum(a.counted.milli, fallback); err != nil {
				return err
			}
		}
	}
	if upWithUnready {
		a.counted.samples += int64(pods.Unready)
		a.counted.requests += a.requests[unready]
	}
	return nil
}
