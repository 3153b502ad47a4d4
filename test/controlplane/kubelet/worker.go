package kubelet

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// worker runs one pod from its start to its end.
type worker struct {
	kubelet *Kubelet
	pod     *corev1.Pod

	deleteOnce sync.Once
	deleting   chan struct{} // closed when the pod is to end
	gone       chan struct{} // closed when the pod no longer exists

	graceMu sync.Mutex // apart: whoever sees a pod deleted does not wait for the status of another moment to be told
	grace   time.Duration

	mu         sync.Mutex
	containers []*container
	started    metav1.Time
	address    netip.Addr
}

// delete tells the worker to end the pod, with a grace period. A later call can only shorten it.
func (w *worker) delete(grace time.Duration) {
	w.graceMu.Lock()
	w.grace = grace
	w.graceMu.Unlock()
	w.deleteOnce.Do(func() { close(w.deleting) })
}

func (w *worker) log() *slog.Logger {
	return slog.With("pod", w.pod.Namespace+"/"+w.pod.Name)
}

// run starts the containers, waits, ends them, and says that the pod is gone.
func (w *worker) run(ctx context.Context) {
	if phase := w.pod.Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		return
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	w.address = w.kubelet.addresses.next()
	w.started = metav1.Now()
	stop := func() {}
	if w.hasProcesses() {
		var err error
		if stop, err = w.start(running); err != nil {
			w.log().Error("the pod cannot be started", "error", err)
			w.setPhase(running, corev1.PodPending, err)
			stop = func() {}
		}
	} else {
		for i := range w.pod.Spec.Containers {
			w.containers = append(w.containers, &container{worker: w, spec: &w.pod.Spec.Containers[i], running: true, ready: true, since: metav1.Now()})
		}
		w.report(running)
	}
	select {
	case <-running.Done(): // the kubelet ends
	case <-w.gone:
	case <-w.deleting:
	}
	cancel()
	stop()
	w.finish(ctx)
}

// finish deletes the pod for good, as a kubelet does when nothing of it runs any more.
func (w *worker) finish(ctx context.Context) {
	os.RemoveAll(w.dir())
	select {
	case <-w.deleting:
	default:
		return
	}
	now := int64(0)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := w.kubelet.opts.Client.CoreV1().Pods(w.pod.Namespace).Delete(ctx, w.pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now,
			Preconditions:      &metav1.Preconditions{UID: &w.pod.UID},
		})
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || ctx.Err() != nil {
			return
		}
		w.log().Warn("the pod is not deleted", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-w.gone:
			return
		case <-time.After(pause):
		}
	}
}

func (w *worker) hasProcesses() bool {
	for i := range w.pod.Spec.Containers {
		if w.kubelet.image(&w.pod.Spec.Containers[i]) != nil {
			return true
		}
	}
	return false
}

func (w *worker) dir() string { return filepath.Join(w.kubelet.opts.Dir, string(w.pod.UID)) }

// start makes the pod's network and volumes and starts its containers. The function it returns ends them.
func (w *worker) start(ctx context.Context) (stop func(), err error) {
	if err := os.MkdirAll(w.dir(), 0o755); err != nil {
		return nil, err
	}
	network, err := newNetwork(w.address)
	if err != nil {
		return nil, err
	}
	volumes, err := w.mountVolumes(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	for i := range w.pod.Spec.Containers {
		w.containers = append(w.containers, newContainer(w, &w.pod.Spec.Containers[i], network, volumes))
	}
	containers := w.containers
	w.mu.Unlock()
	w.report(ctx)
	var running sync.WaitGroup
	for _, c := range containers {
		running.Go(func() { c.run(ctx) })
	}
	running.Go(func() { volumes.keepFresh(ctx) })
	return func() {
		running.Wait()
		if err := network.remove(); err != nil {
			w.log().Error("the pod's network stays", "error", err)
		}
	}, nil
}

// gracePeriod is how long the containers have to end; none when it is the kubelet that ends.
func (w *worker) gracePeriod() time.Duration {
	select {
	case <-w.deleting:
		w.graceMu.Lock()
		defer w.graceMu.Unlock()
		return w.grace
	default:
		return 0
	}
}

func (w *worker) kill() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	killed := false
	for _, c := range w.containers {
		killed = c.signalGroup(syscall.SIGKILL) || killed
	}
	return killed
}
