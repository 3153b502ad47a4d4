package controlplane

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
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

// stall is how long this machine may do nothing before what times out then is no more the adapter's fault: its answers, the
// connections to its pods and the API server's looks at it have 3 to 5 s.
const stall = 2 * time.Second

// watchStalls tells the longest time in which a timer of a tenth of a second did not run.
func watchStalls() (stop func() time.Duration) {
	ended, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		most, last := time.Duration(0), time.Now()
		for {
			select {
			case <-ended:
				longest <- max(most, time.Since(last))
				return
			case <-tick.C:
				most, last = max(most, time.Since(last)), time.Now()
			}
		}
	}()
	return func() time.Duration { close(ended); return <-longest }
}

// step is something that happens to the adapter's pods.
type step struct {
	name     string
	do       func()
	graceful bool
}

func TestK7TheAPIStaysAvailable(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	alone(t)
	tn := newTenant(t, c, "k7", 1, "k7_load")
	expose(t, tn.series("k7_load", 1, "1")...)
	tn.awaitValues(t, "k7_load", 1)

	for _, one := range []step{
		{"a rolling update", func() {
			kubectl(t, c, "-n", a.namespace, "rollout", "restart", "deployment/truecount-adapter")
		}, true},
		{"a drained node", func() { drainNode(t, a) }, true},
		{"one replica is killed", func() { killReplica(t, a) }, false},
	} {
		for try := 1; ; try++ {
			problems, stalled := a.askDuring(t, tn, one)
			if len(problems) > 0 && stalled > stall && try < 3 {
				t.Logf("%s: once more, since nothing ran on this machine for %v: %v", one.name, stalled, problems)
				kubectl(t, c, "wait", "--for=condition=Available", "apiservice/"+v1beta1, "apiservice/"+v1beta2, "--timeout=5m")
				continue
			}
			for _, problem := range problems {
				t.Errorf("%s: %s", one.name, problem)
			}
			break
		}
	}
}

// askDuring asks all the time until a step is over, and returns what must not happen and how long the machine stood still meanwhile.
func (a *adapter) askDuring(t *testing.T, tn *tenant, one step) (problems []string, stalled time.Duration) {
	t.Helper()
	stalls, unavailable, answers := watchStalls(), watchAvailability(t, a.cluster), keepAsking(t, tn, "k7_load")
	one.do()
	a.awaitRollout(t)
	await(t, "two pods and none that ends", func() bool {
		pods, err := a.cluster.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 2
	})
	asked, failed := answers()
	t.Logf("%s: %d requests, %d failed", one.name, asked, len(failed))
	if lost := unavailable(); len(lost) > 0 {
		problems = append(problems, fmt.Sprintf("not available: %v", lost))
	}
	// Whoever asks a replica at the moment of its death gets no answer; an autoscaler asks again.
	if one.graceful && len(failed) > 0 {
		problems = append(problems, fmt.Sprintf("%d of %d requests failed, the first: %s", len(failed), asked, failed[0]))
	}
	return problems, stalls()
}

// drainNode drains the node of one replica, of the adapter only, and gives it back.
func drainNode(t *testing.T, a *adapter) {
	t.Helper()
	c := a.cluster
	node := a.pod(t).Spec.NodeName
	uncordon := sync.OnceFunc(func() {
		cmd := c.Kubectl(context.WithoutCancel(t.Context()), "uncordon", node)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Cleanup(uncordon)
	if out, err := c.Kubectl(t.Context(), "drain", node, "--pod-selector=app.kubernetes.io/name=truecount-adapter", "--timeout=5m").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	uncordon()
}

// killReplica kills the process of one replica and waits until it has been started again.
func killReplica(t *testing.T, a *adapter) {
	t.Helper()
	c, pod := a.cluster, a.pod(t)
	before := pod.Status.ContainerStatuses[0].RestartCount
	if !c.Kubelet.Kill(a.namespace, pod.Name) {
		t.Fatal("there was nothing to kill")
	}
	await(t, "the container is started again", func() bool {
		now, err := c.Client.CoreV1().Pods(a.namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		return err == nil && len(now.Status.ContainerStatuses) == 1 && now.Status.ContainerStatuses[0].RestartCount > before && now.Status.ContainerStatuses[0].Ready
	})
}

// pod is one of the adapter's.
func (a *adapter) pod(t *testing.T) *corev1.Pod {
	t.Helper()
	pods, err := a.cluster.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("the adapter has no pod: %v", err)
	}
	return &pods.Items[0]
}
