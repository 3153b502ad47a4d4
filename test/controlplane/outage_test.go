package controlplane

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

const (
	// outage is how long Prometheus is away.
	outage = 2 * time.Minute
	// answerLimit is what a value may take, which is 5 s, and a margin for a machine with much to do. An answer that takes
	// as long as the slow Prometheus is beyond it.
	answerLimit = 15 * time.Second
	// most is more than is reached before the end, so that there is always something to do.
	most = 24
)

// TestK1PrometheusDies is the central one: while a Deployment is scaled up, its Prometheus is killed for two minutes, and then
// is there and of no use in five ways. Nothing may be scaled, and nothing else of the cluster may suffer.
func TestK1PrometheusDies(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	p := runningPrometheus(t, c)
	alone(t)
	tn := newTenant(t, c, "k1", 1, "k1_load")
	expose(t, tn.series("k1_load", most, "4")...)
	tn.awaitValues(t, "k1_load", 1)
	tn.autoscale(t, 1, most, map[string]string{"k1_load": "2"})
	await(t, "it is being scaled up", func() bool { return tn.wanted(t) > 1 })

	makeNamespace(t, c, "k1-deleted")
	t.Cleanup(func() { startPrometheus(t, c) })
	stopPrometheus(t, c)
	held := holds(t, tn)
	if err := c.Client.CoreV1().Namespaces().Delete(t.Context(), "k1-deleted", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	during(t, outage, func() {
		stillHolds(t, tn, held)
		failsInTime(t, tn)
		discoveryAnswers(t, tn)
		ready(t, a)
	})
	_, err := c.Client.CoreV1().Namespaces().Get(t.Context(), "k1-deleted", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is not deleted: %v", err)
	}

	startPrometheus(t, c)
	b := standBetween(t, p.url)
	sendPrometheusTo(t, c, p.url, b)
	tn.awaitSomeValues(t, "k1_load")
	for _, kind := range []string{"slow", "500", "503", "truncated", "100 MB"} {
		b.answer(wrongAnswers[kind])
		t.Log(kind)
		tn.awaitProblem(t, "k1_load", "k1_load")
		held := holds(t, tn)
		during(t, 3*syncPeriod, func() {
			stillHolds(t, tn, held)
			failsInTime(t, tn)
			discoveryAnswers(t, tn)
		})
		ready(t, a)
	}
	b.answer(nil)
	await(t, "it is scaled up to the end", func() bool { return tn.wanted(t) == most })
}

// during does something again and again.
func during(t *testing.T, long time.Duration, do func()) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end) && !t.Failed(); {
		do()
		select {
		case <-t.Context().Done():
		case <-time.After(syncPeriod / 2):
		}
	}
}

// holds waits until the autoscaler says that it does not act, and returns the number of replicas.
func holds(t *testing.T, tn *tenant) int32 {
	t.Helper()
	await(t, "the autoscaler says that it does not act", func() bool {
		status, _ := tn.condition(t, autoscalingv2.ScalingActive)
		return status == corev1.ConditionFalse
	})
	return tn.wanted(t)
}

func stillHolds(t *testing.T, tn *tenant, replicas int32) {
	t.Helper()
	if got := tn.wanted(t); got != replicas {
		t.Errorf("%d replicas have become %d without Prometheus", replicas, got)
	}
	if status, said := tn.condition(t, autoscalingv2.ScalingActive); status != corev1.ConditionFalse {
		t.Errorf("ScalingActive is %s (%s) without Prometheus", status, said)
	}
}

// failsInTime asks for a value, which must be an error that is the server's and not ours.
func failsInTime(t *testing.T, tn *tenant) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerLimit)
	defer cancel()
	body, err := tn.cluster.Client.Discovery().RESTClient().Get().RequestURI(tn.path("k1_load")).DoRaw(ctx)
	var status apierrors.APIStatus
	if s, ok := err.(apierrors.APIStatus); ok {
		status = s
	}
	if status == nil || status.Status().Code < 500 {
		t.Errorf("without Prometheus a value is answered with %v: %.200s", err, body)
	}
}

func discoveryAnswers(t *testing.T, tn *tenant) {
	t.Helper()
	for _, version := range []string{"v1beta1", "v1beta2"} {
		text, problem := tn.get(t, "/apis/custom.metrics.k8s.io/"+version)
		if problem != "" || !strings.Contains(text, `"pods/k1_load"`) {
			t.Errorf("%s lists %s %.300s", version, problem, text)
		}
	}
}

// ready looks whether the adapter's replicas are all there.
func ready(t *testing.T, a *adapter) {
	t.Helper()
	deployment, err := a.cluster.Client.AppsV1().Deployments(a.namespace).Get(t.Context(), "truecount-adapter", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if deployment.Status.ReadyReplicas != 2 {
		t.Errorf("%d of 2 adapters are ready without Prometheus", deployment.Status.ReadyReplicas)
	}
}

// stopPrometheus kills it and keeps it away.
func stopPrometheus(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	kubectl(t, c, "scale", "deployment/prometheus-server", "--replicas=0")
	pods, err := c.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=prometheus"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		c.Kubelet.Kill(pod.Namespace, pod.Name)
	}
	await(t, "Prometheus is gone", func() bool { // and is not started again
		pods, err := c.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=prometheus"})
		return err == nil && len(pods.Items) == 0
	})
}

func startPrometheus(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	deployments := c.Client.AppsV1().Deployments("default")
	scale, err := deployments.GetScale(ctx, "prometheus-server", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scale.Spec.Replicas = 1
	if _, err := deployments.UpdateScale(ctx, "prometheus-server", scale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "Prometheus is ready", func() bool {
		deployment, err := deployments.Get(ctx, "prometheus-server", metav1.GetOptions{})
		return err == nil && deployment.Status.ReadyReplicas == 1
	})
}

// sendPrometheusTo lets the service lead to a server of the test until the test ends.
func sendPrometheusTo(t *testing.T, c *cluster.Cluster, url string, b *between) {
	t.Helper()
	set := func(ctx context.Context, selector map[string]string) {
		service, err := c.Client.CoreV1().Services("default").Get(ctx, "prometheus-server", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		service.Spec.Selector = selector
		if _, err := c.Client.CoreV1().Services("default").Update(ctx, service, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	slices := c.Client.DiscoveryV1().EndpointSlices("default")
	// The target behind it is the pod itself from here on: the service would lead back.
	endpoints, err := slices.List(t.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=prometheus-server"})
	if err != nil || len(endpoints.Items) == 0 || len(endpoints.Items[0].Endpoints) == 0 {
		t.Fatalf("Prometheus has no endpoint: %v", err)
	}
	b.passTo(t, "http://"+endpoints.Items[0].Endpoints[0].Addresses[0]+":9090")
	set(t.Context(), nil)
	for _, old := range endpoints.Items {
		if err := slices.Delete(t.Context(), old.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	host, port := b.endpoint(t)
	name := "http"
	_, err = slices.Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "prometheus-server-between", Labels: map[string]string{discoveryv1.LabelServiceName: "prometheus-server"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{host}}},
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		slices.Delete(ctx, "prometheus-server-between", metav1.DeleteOptions{})
		set(ctx, map[string]string{"app.kubernetes.io/name": "prometheus"})
		await(t, "the service leads to Prometheus again", func() bool {
			response, err := http.Get(url + "/-/ready")
			if err == nil {
				response.Body.Close()
			}
			return err == nil && response.StatusCode == http.StatusOK
		})
	})
}
