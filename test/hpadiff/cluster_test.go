package hpadiff

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// cluster is a world as Kubernetes' horizontal controller sees it: an API server with pods, the autoscaler's object and a
// scale, the three metrics APIs, and the controller itself.
type cluster struct {
	world  *world
	client *fake.Clientset
	scale  *scalefake.FakeScaleClient
	metric metricsclient.MetricsClient
	mapper meta.RESTMapper
	log    *log
	synced chan time.Time // when the controller asked for the scale, which it does once in every sync

	mu   sync.Mutex // held by who looks at the world or changes it
	pods map[string]*corev1.Pod
	spec *autoscalingv2.HorizontalPodAutoscalerSpec

	stop    context.CancelFunc
	stopped chan struct{}
}

var (
	podsResource        = corev1.SchemeGroupVersion.WithResource("pods")
	autoscalersResource = autoscalingv2.SchemeGroupVersion.WithResource("horizontalpodautoscalers")
)

func newCluster(w *world) (*cluster, error) {
	if err := checkSpec(w.spec, w.settings.ScaleToZero); err != nil {
		return nil, err
	}
	deployments := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{deployments.GroupVersion()})
	mapper.Add(deployments, meta.RESTScopeNamespace)
	c := &cluster{
		world: w, client: fake.NewSimpleClientset(defaulted(w.spec)), mapper: mapper, log: &log{}, spec: w.spec,
		synced: make(chan time.Time, 1), pods: map[string]*corev1.Pod{},
	}
	c.client.PrependReactor("update", "horizontalpodautoscalers", c.updateStatus)
	c.scale = c.fakeScale()
	c.metric = c.metricsAPIs()
	return c, c.apply()
}

// updateStatus writes the status alone, as the API server does: the controller has filled in defaults of its own in the
// rest.
func (c *cluster) updateStatus(action clienttesting.Action) (bool, runtime.Object, error) {
	sent := action.(clienttesting.UpdateAction).GetObject().(*autoscalingv2.HorizontalPodAutoscaler)
	if action.GetSubresource() != "status" {
		return true, nil, fmt.Errorf("an update of %q", action.GetSubresource())
	}
	kept, err := c.autoscaler()
	if err != nil {
		return true, nil, err
	}
	kept.Status = *sent.Status.DeepCopy()
	return true, kept, c.client.Tracker().Update(autoscalersResource, kept, namespace)
}

// autoscaler returns a copy of the object.
func (c *cluster) autoscaler() (*autoscalingv2.HorizontalPodAutoscaler, error) {
	object, err := c.client.Tracker().Get(autoscalersResource, namespace, service)
	if err != nil {
		return nil, err
	}
	return object.(*autoscalingv2.HorizontalPodAutoscaler).DeepCopy(), nil
}

// start runs the controller as kube-controller-manager does, until halt.
func (c *cluster) start() {
	ctx, stop := context.WithCancel(klog.NewContext(context.Background(), c.log.logger()))
	factory := informers.NewSharedInformerFactory(c.client, 12*time.Hour)
	s := &c.world.settings
	controller := podautoscaler.NewHorizontalController(ctx, c.client.CoreV1(), c.scale, c.client.AutoscalingV2(), c.mapper, c.metric,
		factory.Autoscaling().V2().HorizontalPodAutoscalers(), factory.Core().V1().Pods(),
		c.world.period, s.DownscaleStabilization, s.Tolerance, s.CPUInitialization, s.InitialReadinessDelay)
	factory.StartWithContext(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		controller.Run(ctx, 1)
		factory.Shutdown()
	}()
	c.stop, c.stopped = stop, stopped
}

func (c *cluster) halt() {
	c.stop()
	<-c.stopped
}

// apply writes what changed in the world to the API server.
func (c *cluster) apply() error {
	c.client.ClearActions() // the fake keeps what it was asked for
	return errors.Join(c.applyPods(), c.applySpec())
}

func (c *cluster) applyPods() error {
	tracker := c.client.Tracker()
	for _, p := range c.world.pods {
		var err error
		switch before, known := c.pods[p.Name]; {
		case !known:
			err = tracker.Create(podsResource, p, namespace)
		case before != p:
			err = tracker.Update(podsResource, p, namespace)
		}
		if err != nil {
			return err
		}
	}
	now := make(map[string]*corev1.Pod, len(c.world.pods))
	for _, p := range c.world.pods {
		now[p.Name] = p
	}
	for name := range c.pods {
		if now[name] == nil {
			if err := tracker.Delete(podsResource, namespace, name); err != nil {
				return err
			}
		}
	}
	c.pods = now
	return nil
}

func (c *cluster) applySpec() error {
	if c.spec == c.world.spec {
		return nil
	}
	c.spec = c.world.spec
	if err := checkSpec(c.spec, c.world.settings.ScaleToZero); err != nil {
		return err
	}
	object, err := c.autoscaler()
	if err != nil {
		return err
	}
	object.Spec = defaulted(c.spec).Spec
	return c.client.Tracker().Update(autoscalersResource, object, namespace)
}
