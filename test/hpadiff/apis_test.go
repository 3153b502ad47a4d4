package hpadiff

import (
	"fmt"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	custom "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	external "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsfake "k8s.io/metrics/pkg/client/clientset/versioned/fake"
	customfake "k8s.io/metrics/pkg/client/custom_metrics/fake"
	externalfake "k8s.io/metrics/pkg/client/external_metrics/fake"
)

// fakeScale is the deployment's scale. The controller reads it once in every sync.
func (c *cluster) fakeScale() *scalefake.FakeScaleClient {
	client := &scalefake.FakeScaleClient{}
	client.AddReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		select {
		case c.synced <- time.Now():
		default:
			return true, nil, fmt.Errorf("a second sync at once")
		}
		return true, &autoscalingv1.Scale{
			ObjectMeta: metav1.ObjectMeta{Name: service, Namespace: namespace},
			Spec:       autoscalingv1.ScaleSpec{Replicas: c.world.replicas},
			Status:     autoscalingv1.ScaleStatus{Replicas: c.world.observed, Selector: "app=" + service},
		}, nil
	})
	client.AddReactor("update", "deployments", func(action clienttesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		scale := action.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)
		c.world.replicas = scale.Spec.Replicas
		return true, scale, nil
	})
	return client
}

// metricsAPIs answers Kubernetes' own clients of the three metrics APIs with what was measured.
func (c *cluster) metricsAPIs() metricsclient.MetricsClient {
	resources := &metricsfake.Clientset{}
	resources.AddReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.world.usage.away {
			return true, nil, errAway
		}
		return true, c.world.usage.list(), nil
	})
	customs := &customfake.FakeCustomMetricsClient{}
	customs.AddReactor("get", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		m := c.world.metricNamed(action.(customfake.GetForAction).GetMetricName())
		if m.away {
			return true, nil, errAway
		}
		return true, m.customList(), nil
	})
	externals := &externalfake.FakeExternalMetricsClient{}
	externals.AddReactor("list", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		m := c.world.metricNamed(action.GetResource().Resource)
		if m.away {
			return true, nil, errAway
		}
		return true, m.externalList(), nil
	})
	return metricsclient.NewRESTMetricsClient(resources.MetricsV1beta1(), customs, externals)
}

// customList answers for pods as well as for one object.
func (m *measured) customList() *custom.MetricValueList {
	list := &custom.MetricValueList{}
	for _, s := range m.pods {
		list.Items = append(list.Items, custom.MetricValue{DescribedObject: corev1.ObjectReference{Name: s.pod},
			Timestamp: metav1.NewTime(s.at), Value: *resource.NewMilliQuantity(s.milli, resource.DecimalSI)})
	}
	for _, milli := range m.all {
		list.Items = append(list.Items, custom.MetricValue{Timestamp: metav1.NewTime(m.at), Value: *resource.NewMilliQuantity(milli, resource.DecimalSI)})
	}
	return list
}

func (m *measured) externalList() *external.ExternalMetricValueList {
	list := &external.ExternalMetricValueList{}
	for _, milli := range m.all {
		list.Items = append(list.Items, external.ExternalMetricValue{Timestamp: metav1.NewTime(m.at), Value: *resource.NewMilliQuantity(milli, resource.DecimalSI)})
	}
	return list
}

func (u *usage) list() *metrics.PodMetricsList {
	list := &metrics.PodMetricsList{}
	for _, p := range u.pods {
		item := metrics.PodMetrics{ObjectMeta: metav1.ObjectMeta{Name: p.pod, Namespace: namespace, Labels: map[string]string{"app": service}},
			Timestamp: metav1.NewTime(p.at), Window: metav1.Duration{Duration: p.window}}
		for i, used := range p.containers {
			c := metrics.ContainerMetrics{Name: containers[i], Usage: corev1.ResourceList{}}
			for name, milli := range used {
				c.Usage[name] = *resource.NewMilliQuantity(milli, resource.DecimalSI)
			}
			item.Containers = append(item.Containers, c)
		}
		list.Items = append(list.Items, item)
	}
	return list
}
