package controlplane

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// recorder watches a Deployment and its pods, as the autoscaler's own caches do, and remembers when they were how.
type recorder struct {
	mu          sync.Mutex
	deployments []seen[*appsv1.Deployment]
	pods        map[types.UID][]seen[*corev1.Pod]
}

// seen is an object as it was from a time on; the zero object once it was gone.
type seen[T any] struct {
	at     time.Time
	object T
}

// record begins to watch and ends with the test.
func record(t *testing.T, c *cluster.Cluster, namespace, deployment string, selector string) *recorder {
	t.Helper()
	r := &recorder{pods: map[types.UID][]seen[*corev1.Pod]{}}
	deployments := informers.NewSharedInformerFactoryWithOptions(c.Client, 0, informers.WithNamespace(namespace), informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = "metadata.name=" + deployment
	}))
	pods := informers.NewSharedInformerFactoryWithOptions(c.Client, 0, informers.WithNamespace(namespace), informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = selector
	}))
	deploymentInformer, podInformer := deployments.Apps().V1().Deployments().Informer(), pods.Core().V1().Pods().Informer()
	deploymentInformer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { r.sawDeployment(o.(*appsv1.Deployment)) },
		UpdateFunc: func(_, o any) { r.sawDeployment(o.(*appsv1.Deployment)) },
	})
	podInformer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { r.sawPod(o.(*corev1.Pod), true) },
		UpdateFunc: func(_, o any) { r.sawPod(o.(*corev1.Pod), true) },
		DeleteFunc: func(o any) {
			if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = unknown.Obj
			}
			r.sawPod(o.(*corev1.Pod), false)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		deployments.Shutdown()
		pods.Shutdown()
	})
	deployments.Start(ctx.Done())
	pods.Start(ctx.Done())
	if !cache.WaitForCacheSync(t.Context().Done(), deploymentInformer.HasSynced, podInformer.HasSynced) {
		t.Fatal("the objects cannot be watched")
	}
	return r
}

func (r *recorder) sawDeployment(d *appsv1.Deployment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deployments = append(r.deployments, seen[*appsv1.Deployment]{time.Now(), d})
}

func (r *recorder) sawPod(pod *corev1.Pod, exists bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := seen[*corev1.Pod]{at: time.Now()}
	if exists {
		s.object = pod
	}
	r.pods[pod.UID] = append(r.pods[pod.UID], s)
}

// last is what was there at a time.
func last[T any](history []seen[T], at time.Time) (found T) {
	for _, s := range history {
		if s.at.After(at) {
			break
		}
		found = s.object
	}
	return found
}

// replicas are all that the Deployment was asked for, in order, without repetitions.
func (r *recorder) replicas() (all []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.deployments {
		all = append(all, *s.object.Spec.Replicas)
	}
	return slices.Compact(all)
}

// wanted is what the Deployment is asked for now.
func (r *recorder) wanted() int32 {
	all := r.replicas()
	return all[len(all)-1]
}

// podsAt are the pods that existed at a time, oldest first.
func (r *recorder) podsAt(at time.Time) (pods []*corev1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, history := range r.pods {
		if pod := last(history, at); pod != nil {
			pods = append(pods, pod)
		}
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return pods
}
