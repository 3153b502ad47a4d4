package hpa

import (
	"math"

	corev1 "k8s.io/api/core/v1"
)

// group is the role that a pod plays for one metric.
type group int

const (
	ready   group = iota // counts with its sample
	unready              // as 0 when scaling up, else left out
	missing              // no sample: on target when scaling down, 0 when scaling up
	ignored              // as if it were not there
)

// groupOf sorts a pod as Kubernetes' groupPods does. Only for the resource CPU does readiness matter.
func (in *Input) groupOf(p *Pod, s Sample, found bool, name corev1.ResourceName) group {
	if p.Deleting || p.Phase == corev1.PodFailed {
		return ignored
	}
	if p.Phase == corev1.PodPending {
		return unready
	}
	if !found {
		return missing
	}
	if name == corev1.ResourceCPU && in.cpuNotSettled(p, s) {
		return unready
	}
	return ready
}

// cpuNotSettled tells a CPU sample that shows a pod's start rather than its load.
func (in *Input) cpuNotSettled(p *Pod, s Sample) bool {
	if p.Ready == "" || p.Started.IsZero() {
		return true
	}
	if p.Started.Add(in.Settings.CPUInitialization).After(in.Now) {
		// Young: only a sample that was measured wholly while ready counts.
		return p.Ready == corev1.ConditionFalse || s.Time.Before(p.ReadyChanged.Add(s.Window))
	}
	// Old, unready, and since so soon after its start that it has never been ready.
	return p.Ready == corev1.ConditionFalse && p.Started.Add(in.Settings.InitialReadinessDelay).After(p.ReadyChanged)
}

// readyPods counts the pods that run and are ready, for metrics that are not per pod.
func readyPods(pods []Pod) (n int) {
	for i := range pods {
		if pods[i].Phase == corev1.PodRunning && pods[i].Ready == corev1.ConditionTrue {
			n++
		}
	}
	return n
}

// tolerance is the band around 1 in which a ratio changes nothing.
type tolerance struct{ down, up float64 }

func (t tolerance) holds(ratio float64) bool {
	return 1-t.down <= ratio && ratio <= 1+t.up
}

func (in *Input) tolerance() tolerance {
	t := tolerance{in.Settings.Tolerance, in.Settings.Tolerance}
	if b := in.Spec.Behavior; b != nil {
		if b.ScaleDown != nil && b.ScaleDown.Tolerance != nil {
			t.down = math.Max(0, b.ScaleDown.Tolerance.AsApproximateFloat64())
		}
		if b.ScaleUp != nil && b.ScaleUp.Tolerance != nil {
			t.up = math.Max(0, b.ScaleUp.Tolerance.AsApproximateFloat64())
		}
	}
	return t
}
