// Package kubelet is a small kubelet for tests: it registers nodes, runs the pods that are scheduled to them, and tells
// the API server how they are.
//
// A container whose image it knows ([Image]) is a real process: in the pod's own network, with the root file system, the
// volumes, the environment, the user and the command that the pod asks for, probed, restarted, and ended as the pod says.
// Everything else of a pod counts as ready at once and has no process. That is enough for controllers, services, scrapes
// and aggregated API servers to be the real ones.
//
// Not there: limits and requests, exec and logs, init containers, exec and gRPC probes, persistent volumes.
package kubelet

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Options say what is run, where.
type Options struct {
	Client kubernetes.Interface
	Dir    string // root file systems and volumes
	Logs   string // one file per container
	Nodes  []string
	Images []Image
	DNS    string // address of the server of names
}

// Kubelet runs the pods of all nodes.
type Kubelet struct {
	opts      Options
	addresses addresses
	cancel    context.CancelFunc
	factory   informers.SharedInformerFactory
	running   sync.WaitGroup

	mu      sync.Mutex
	workers map[types.UID]*worker
}

// Start registers the nodes and returns when they are ready. What runs ends by Stop.
func Start(ctx context.Context, opts Options) (*Kubelet, error) {
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	k := &Kubelet{opts: opts, cancel: cancel, workers: map[types.UID]*worker{}}
	for _, name := range opts.Nodes {
		if err := k.register(ctx, name); err != nil {
			k.Stop()
			return nil, fmt.Errorf("node %s: %w", name, err)
		}
		k.running.Go(func() { k.renewLease(running, name) })
	}
	k.factory = informers.NewSharedInformerFactoryWithOptions(opts.Client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}))
	pods := k.factory.Core().V1().Pods().Informer()
	pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.see(running, object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { k.see(running, object.(*corev1.Pod)) },
		DeleteFunc: func(object any) {
			if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = unknown.Obj
			}
			k.forget(object.(*corev1.Pod).UID)
		},
	})
	k.factory.Start(running.Done())
	if err := k.awaitNodes(ctx); err != nil {
		k.Stop()
		return nil, err
	}
	return k, nil
}

// Stop kills all containers. The API server is told nothing.
func (k *Kubelet) Stop() {
	k.cancel()
	if k.factory != nil {
		k.factory.Shutdown()
	}
	k.running.Wait()
}

// see hands a pod, or a change of one, to its worker.
func (k *Kubelet) see(ctx context.Context, pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.workers[pod.UID]
	if w == nil {
		w = &worker{kubelet: k, pod: pod, deleting: make(chan struct{}), gone: make(chan struct{})}
		k.workers[pod.UID] = w
		k.running.Go(func() { w.run(ctx) })
	}
	if pod.DeletionTimestamp != nil {
		w.delete(time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second)
	}
}

// forget ends a worker whose pod no longer exists, with or without having been asked to end.
func (k *Kubelet) forget(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.workers[uid]; w != nil {
		close(w.gone)
		delete(k.workers, uid)
	}
}

// Kill sends SIGKILL to the processes of a pod's containers, as a node's out-of-memory killer would. It says whether there
// were any.
func (k *Kubelet) Kill(namespace, pod string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.workers {
		if w.pod.Namespace == namespace && w.pod.Name == pod {
			return w.kill()
		}
	}
	return false
}
