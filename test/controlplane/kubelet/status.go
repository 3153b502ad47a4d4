package kubelet

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// report tells the API server how the pod is.
func (w *worker) report(ctx context.Context) { w.setPhase(ctx, corev1.PodRunning, nil) }

// setPhase does so with a phase of its own, and the reason why a pod is not running.
func (w *worker) setPhase(ctx context.Context, phase corev1.PodPhase, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock() // in the order in which things happened
	status := corev1.PodStatus{Phase: phase, StartTime: &w.started}
	ready := phase == corev1.PodRunning
	if ready {
		status.PodIP = w.address.String()
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
	if cause != nil {
		status.Message = cause.Error()
	}
	for _, c := range w.containers {
		container := c.status()
		ready = ready && container.Ready
		status.ContainerStatuses = append(status.ContainerStatuses, container)
	}
	status.Conditions = []corev1.PodCondition{
		condition(corev1.PodInitialized, true, w.started),
		condition(corev1.ContainersReady, ready, w.lastChange()),
		condition(corev1.PodReady, ready, w.lastChange()),
	}
	w.patch(ctx, status)
}

// lastChange is when the newest of the containers changed.
func (w *worker) lastChange() metav1.Time {
	latest := w.started
	for _, c := range w.containers {
		c.mu.Lock()
		if c.since.After(latest.Time) {
			latest = c.since
		}
		c.mu.Unlock()
	}
	return latest
}

func condition(kind corev1.PodConditionType, holds bool, since metav1.Time) corev1.PodCondition {
	status := corev1.ConditionFalse
	if holds {
		status = corev1.ConditionTrue
	}
	return corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: since}
}

// patch keeps conditions that are not ours: the scheduler's, and that of an eviction.
func (w *worker) patch(ctx context.Context, status corev1.PodStatus) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": w.pod.UID}, "status": status})
	if err != nil {
		w.log().Error("the status cannot be written", "error", err)
		return
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		_, err := w.kubelet.opts.Client.CoreV1().Pods(w.pod.Namespace).
			Patch(ctx, w.pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || ctx.Err() != nil {
			return
		}
		w.log().Warn("the API server does not take the status", "error", err)
		if apierrors.IsInvalid(err) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (c *container) status() corev1.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	started := c.running
	status := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, ImageID: c.spec.Image,
		ContainerID: "process://" + string(c.worker.pod.UID) + "/" + c.spec.Name,
		Ready:       c.ready, Started: &started, RestartCount: c.restarts,
	}
	switch {
	case c.running:
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: c.since}
	case c.restarts > 0:
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
		status.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: c.exitCode, FinishedAt: c.since, Reason: "Error"}
	default:
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	}
	return status
}
