package hpa

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Decide makes one decision, as one turn of Kubernetes' controller does, and returns what to remember for the next.
// The new state takes for granted that the target is asked for Decision.Desired. Decide may be called concurrently.
func Decide(in Input, before State) (Decision, State) {
	d := &decider{in: &in, next: before, conditions: carriedOver(before.Conditions, in.Now)}
	d.At, d.Current, d.Desired, d.Chosen = in.Now, in.Replicas, in.Replicas, -1
	d.Min, d.Max = 1, in.Spec.MaxReplicas
	if in.Spec.MinReplicas != nil {
		d.Min = *in.Spec.MinReplicas
	}
	d.conditions.able("SucceededGetScale", "the HPA controller was able to get the target's current scale")
	if len(d.next.Recommendations) == 0 {
		// What a new controller finds holds like a recommendation: it does not scale down at once after its start.
		d.next.Recommendations = []Recommendation{{d.Current, d.At}}
	}
	d.decide()
	if d.Desired != d.Current {
		d.rescale()
	} else {
		d.RescaleReason = "" // what the metrics asked for is not done
	}
	d.Conditions, d.next.Conditions = d.conditions.list, d.conditions.list
	return d.Decision, d.next
}

const belowMinimum = "Current number of replicas below Spec.MinReplicas"

// decider is one decision in the making.
type decider struct {
	Decision
	in         *Input
	next       State
	conditions conditions
}

func (d *decider) decide() {
	byUs := d.in.Settings.ScaleToZero && d.next.scaledToZero()
	switch {
	case d.Current == 0 && !(byUs && (d.Min != 0 || d.hasObjectOrExternal())):
		d.Outcome = Disabled
		d.conditions.active(false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
		return
	case d.Current > d.Max:
		d.Outcome, d.Desired = OutOfBounds, d.Max
		d.RescaleReason = "Current number of replicas above Spec.MaxReplicas"
		return
	case d.Current < d.Min && d.Current != 0:
		d.Outcome, d.Desired = OutOfBounds, d.Min
		d.RescaleReason = belowMinimum
		return
	}
	recommended, ok := d.ask()
	if !ok {
		d.Outcome = Held
		return
	}
	switch {
	case recommended > d.Current:
		d.RescaleReason = d.Metrics[d.Chosen].Description + " above target"
	case recommended < d.Current:
		d.RescaleReason = "All metrics below target"
	}
	d.normalize(recommended)
	if d.Current == 0 && d.Desired < d.Min { // the minimum was raised while the target was at zero
		d.Desired, d.Steps.Limited = d.Min, d.Min
		if d.RescaleReason == "" {
			d.RescaleReason = belowMinimum
		}
	}
}

// ask computes every metric's proposal and returns the highest. It is not ok if no metric is usable, or if one is not
// and the others would scale down: what is not known might need the replicas.
func (d *decider) ask() (highest int32, ok bool) {
	n := len(d.in.Spec.Metrics)
	if n == 0 {
		d.conditions.active(false, "NoMetrics", "the HPA was unable to compute the replica count: the spec has no metrics")
		d.Err = fmt.Errorf("the spec has no metrics")
		return 0, false
	}
	d.Metrics = make([]MetricResult, n)
	invalid := 0
	var first metric
	for i := range n {
		m := d.in.propose(i)
		d.Metrics[i] = m.result
		if m.result.Err != nil {
			if invalid == 0 {
				first = m
			}
			invalid++
			continue
		}
		if highest == 0 || m.result.Replicas > highest {
			highest, d.Chosen = m.result.Replicas, i
		}
	}
	if invalid > 0 {
		d.Err = fmt.Errorf("invalid metrics (%d invalid out of %d), first error is: %s: %w", invalid, n, first.outer, first.result.Err)
	}
	if invalid == n || (invalid > 0 && highest < d.Current) {
		d.conditions.active(false, first.failed, "the HPA was unable to compute the replica count: "+first.result.Err.Error())
		return highest, false
	}
	d.conditions.active(true, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from "+d.Metrics[d.Chosen].Description)
	return highest, true
}

// rescale notes a change as made.
func (d *decider) rescale() {
	d.conditions.able("SucceededRescale", fmt.Sprintf("the HPA controller was able to update the target scale to %d", d.Desired))
	if d.in.Settings.ScaleToZero {
		if d.Desired == 0 && d.Min == 0 && d.hasObjectOrExternal() {
			d.conditions.set(autoscalingv2.ScaledToZero, true, "ScaledToZero", "the HPA controller scaled the workload to zero")
		} else {
			d.conditions.set(autoscalingv2.ScaledToZero, false, "NotScaledToZero", "the HPA controller did not scale the workload to zero")
		}
	}
	if d.in.Spec.Behavior == nil {
		return // only the policies of a behavior look at what was changed before
	}
	up, down := d.in.behavior()
	if change := d.Desired - d.Current; change > 0 {
		d.next.ScaleUps = note(d.next.ScaleUps, d.At.Add(-up.longest()), ScaleEvent{Change: change, Time: d.At})
	} else {
		d.next.ScaleDowns = note(d.next.ScaleDowns, d.At.Add(-down.longest()), ScaleEvent{Change: -change, Time: d.At})
	}
}

func (d *decider) hasObjectOrExternal() bool {
	for i := range d.in.Spec.Metrics {
		switch d.in.Spec.Metrics[i].Type {
		case autoscalingv2.ObjectMetricSourceType, autoscalingv2.ExternalMetricSourceType:
			return true
		}
	}
	return false
}
