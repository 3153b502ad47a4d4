package hpa

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Decision is what to do, and why.
type Decision struct {
	At       time.Time
	Outcome  Outcome
	Current  int32 // as Input.Replicas
	Desired  int32 // what the target should be asked for; Current if nothing is to change
	Min, Max int32

	Metrics []MetricResult // one per metric of the spec; empty if the metrics were not looked at
	Chosen  int            // index of the metric that asks for most, or -1
	Steps   Steps          // set when Outcome is Computed

	// Policy is the policy that limits the change, in words: "4 pods per 15 s"; "" if none does.
	Policy string
	// StabilizedUntil is when the stabilisation window lets go at the earliest, if it held the recommendation back.
	StabilizedUntil time.Time
	// Conditions are those that Kubernetes would show in the autoscaler's status.
	Conditions []autoscalingv2.HorizontalPodAutoscalerCondition
	// RescaleReason is the reason that Kubernetes' SuccessfulRescale event would give; "" if nothing changes.
	RescaleReason string
	// Err says that metrics are invalid, how many, and the first one's error. It may be set beside a change upwards.
	Err error

	limited limit // what limited the steps
}

// Outcome is how a decision came about.
type Outcome string

const (
	Computed    Outcome = "computed"    // from the metrics
	OutOfBounds Outcome = "outOfBounds" // the replicas were above the maximum or below the minimum; metrics were not looked at
	Held        Outcome = "held"        // too little is known: everything stays as it is
	Disabled    Outcome = "disabled"    // someone scaled the target to zero, which turns autoscaling off
)

// Steps leads from the metrics to the decision: what the metrics ask for, after the stabilisation windows, and after
// the bounds and the limits on the speed.
type Steps struct {
	Recommended, Stabilized, Limited int32
}

// MetricResult is one metric's part in a decision.
type MetricResult struct {
	Name        string // the metric's or resource's own name
	Description string // as in Kubernetes' messages: "pods metric clicks_per_second"
	Source      autoscalingv2.MetricSourceType
	Target      Amount
	Current     Amount  // average over the pods that have a sample, or the value; meaningless if Err is set
	Usage       Amount  // for utilization targets: the average usage behind Current
	Ratio       float64 // current/target with missing and unready pods accounted for
	Replicas    int32   // proposal
	Pods        PodCounts
	Time        time.Time // of the oldest sample that counted
	Verdict     Verdict
	Err         error // no usable value; then Replicas is no proposal

	cause error // of Err: the reading's own, without what Kubernetes puts before it
}

// PodCounts says how the pods were grouped for a metric. Object and external metrics fill in Ready only.
type PodCounts struct {
	Ready   int // counted with their sample
	Unready int // pending, or for CPU not ready yet: as 0 when scaling up, else left out
	Missing int // without sample: as on target when scaling down, as 0 when scaling up
	Ignored int // failed or being deleted
}

// Verdict is why a metric proposes what it does.
type Verdict string

const (
	Follows         Verdict = "follows"         // the ratio
	WithinTolerance Verdict = "withinTolerance" // too close to the target for a change
	WouldReverse    Verdict = "wouldReverse"    // with missing or unready pods accounted for, the direction would turn around
)

// Amount is a metric's value or target.
type Amount struct {
	Kind    autoscalingv2.MetricTargetType
	Milli   int64 // thousandths, for Value and AverageValue
	Percent int32 // of the request, for Utilization
}

// String writes the amount as kubectl does: 10m, 1500m, 2k, 80%.
func (a Amount) String() string {
	if a.Kind == autoscalingv2.UtilizationMetricType {
		return resource.NewQuantity(int64(a.Percent), resource.DecimalSI).String() + "%"
	}
	return resource.NewMilliQuantity(a.Milli, resource.DecimalSI).String()
}

// Float returns the amount in the metric's unit, or in percent.
func (a Amount) Float() float64 {
	if a.Kind == autoscalingv2.UtilizationMetricType {
		return float64(a.Percent)
	}
	return float64(a.Milli) / 1000
}
