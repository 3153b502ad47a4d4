package hpa

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// Input is everything a decision depends on, but for the [State]. Decide keeps and changes nothing of it.
type Input struct {
	Namespace string // for messages only
	Spec      *autoscalingv2.HorizontalPodAutoscalerSpec
	Replicas  int32 // what the target was last asked for: the scale's spec.replicas
	// Observed is how many replicas exist: the scale's status.replicas. Average values of object and external metrics
	// are per observed replica.
	Observed int32
	Pods     []Pod
	Readings []Reading // Readings[i] belongs to Spec.Metrics[i]; a missing one is an error of that metric
	Settings Settings
	Now      time.Time
}

// Pod is what the algorithm needs to know of a pod, or of a replica on this machine.
type Pod struct {
	Name  string
	Phase corev1.PodPhase
	// Ready is the status of the Ready condition, "" while there is none. Only CPU metrics, and object and external
	// metrics with a plain value, look at it: for every other metric a running pod with a sample counts, and a pending
	// one is what "unready" means.
	Ready        corev1.ConditionStatus
	ReadyChanged time.Time // when Ready last changed
	Started      time.Time // zero: not started yet
	Deleting     bool
}

// Sample is one pod's value.
type Sample struct {
	Milli  int64 // in thousandths; see [Milli]
	Time   time.Time
	Window time.Duration // over which the value was measured; matters for CPU of young pods only
}

// Reading is what was measured for one metric of the spec, or why nothing could be.
type Reading struct {
	// Pods holds the samples of Pods, Resource and ContainerResource metrics by pod name. As on a cluster, a sample of
	// a pod that is not in Input.Pods counts in the average: leave such samples out.
	Pods map[string]Sample
	// Requests holds each pod's (or container's) request of the resource in thousandths, for utilization targets.
	Requests map[string]int64
	// Values holds in thousandths the one value of an Object metric, or the value of each series of an External one.
	Values []int64
	Time   time.Time // of Values
	Err    error     // the value is not known; everything else is then ignored
}

// Settings are those of the controller, which a spec cannot change.
type Settings struct {
	// Tolerance is how far current/target may be from 1 without a change; a spec's behavior may say otherwise for
	// each direction.
	Tolerance float64
	// DownscaleStabilization is how long the highest recommendation holds where the spec's behavior does not say.
	DownscaleStabilization time.Duration
	InitialReadinessDelay  time.Duration // a pod that turned unready this soon after its start has never been ready
	CPUInitialization      time.Duration // CPU samples of pods this young count only while ready and measured since
	ScaleToZero            bool          // Kubernetes' feature gate HPAScaleToZero, on by default since 1.37
}

// DefaultSettings returns kube-controller-manager's defaults.
func DefaultSettings() Settings {
	return Settings{
		Tolerance:              0.1,
		DownscaleStabilization: 5 * time.Minute,
		InitialReadinessDelay:  30 * time.Second,
		CPUInitialization:      5 * time.Minute,
		ScaleToZero:            true,
	}
}
