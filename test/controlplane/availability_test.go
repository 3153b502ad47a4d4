package controlplane

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// watchAvailability collects every moment in which an API of the adapter was not available, until it is stopped.
func watchAvailability(t *testing.T, c *cluster.Cluster) (stop func() []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := c.Client.Discovery().RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices").Param("watch", "true").Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lost []string
	var watching sync.WaitGroup
	watching.Go(func() {
		lines := bufio.NewScanner(stream)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var event struct {
				Object struct {
					Metadata metav1.ObjectMeta
					Status   struct{ Conditions []metav1.Condition }
				}
			}
			if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
				continue // the end
			}
			for _, condition := range event.Object.Status.Conditions {
				if name := event.Object.Metadata.Name; condition.Status != metav1.ConditionTrue && (name == v1beta1 || name == v1beta2) {
					mu.Lock()
					lost = append(lost, fmt.Sprintf("%s: %s: %s", name, condition.Reason, condition.Message))
					mu.Unlock()
				}
			}
		}
	})
	return func() []string {
		cancel()
		stream.Close()
		watching.Wait()
		return lost
	}
}

// keepAsking asks for a value and the list of metrics all the time, and counts what fails.
func keepAsking(t *testing.T, tn *tenant, metric string) (stop func() (asked int, failed []string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asked, failed := 0, []string(nil)
	asking.Go(func() {
		client := tn.cluster.Client.Discovery().RESTClient()
		for ctx.Err() == nil {
			for _, path := range []string{tn.path(metric), "/apis/custom.metrics.k8s.io/v1beta1"} {
				if _, err := client.Get().RequestURI(path).DoRaw(ctx); err != nil && ctx.Err() == nil {
					failed = append(failed, fmt.Sprintf("%s: %.200v", path, err))
				}
				asked++
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() (int, []string) {
		cancel()
		asking.Wait()
		return asked, failed
	}
}

func TestK7TheAPIStaysAvailable(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	alone(t)
	tn := newTenant(t, c, "k7", 1, "k7_load")
	expose(t, tn.series("k7_load", 1, "1")...)
	tn.awaitValues(t, "k7_load", 1)

	for _, step := range []struct {
		name     string
		do       func()
		graceful bool
	}{
		{"a rolling update", func() {
			kubectl(t, c, "-n", a.namespace, "rollout", "restart", "deployment/truecount-adapter")
		}, true},
		{"a drained node", func() {
			pods, err := c.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			node := pods.Items[0].Spec.NodeName
			t.Cleanup(func() {
				cmd := c.Kubectl(context.WithoutCancel(t.Context()), "uncordon", node)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
			// Not what else is on it: this is about the adapter.
			if out, err := c.Kubectl(t.Context(), "drain", node, "--pod-selector=app.kubernetes.io/name=truecount-adapter", "--timeout=60s").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}, true},
		{"one replica is killed", func() {
			pods, err := c.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !c.Kubelet.Kill(a.namespace, pods.Items[0].Name) {
				t.Fatal("there was nothing to kill")
			}
			await(t, "the container is started again", func() bool {
				pod, err := c.Client.CoreV1().Pods(a.namespace).Get(t.Context(), pods.Items[0].Name, metav1.GetOptions{})
				return err == nil && len(pod.Status.ContainerStatuses) == 1 && pod.Status.ContainerStatuses[0].RestartCount > 0 && pod.Status.ContainerStatuses[0].Ready
			})
		}, false},
	} {
		unavailable, answers := watchAvailability(t, c), keepAsking(t, tn, "k7_load")
		step.do()
		a.awaitRollout(t)
		await(t, "two pods and none that ends", func() bool {
			pods, err := c.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{})
			return err == nil && len(pods.Items) == 2
		})
		asked, failed := answers()
		t.Logf("%s: %d requests, %d failed", step.name, asked, len(failed))
		if lost := unavailable(); len(lost) > 0 {
			t.Errorf("%s: not available: %v", step.name, lost)
		}
		// Whoever asks a replica at the moment of its death gets no answer; an autoscaler asks again.
		if step.graceful && len(failed) > 0 {
			t.Errorf("%s: %d of %d requests failed, the first: %s", step.name, len(failed), asked, failed[0])
		}
	}
}
