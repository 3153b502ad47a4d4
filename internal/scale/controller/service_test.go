package controller_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/scale/hpa"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const clicksPerSecond = "demo_app_button_clicks_per_second"

// service is a target in memory: a replica that is asked for starts in two seconds, and one too many is gone at once.
type service struct {
	mu      sync.Mutex
	started []time.Time // of each replica
	asked   []int
}

func serviceOf(replicas int) *service {
	s := &service{}
	for range replicas {
		s.started = append(s.started, time.Now().Add(-time.Hour))
	}
	return s
}

func (s *service) Desired() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.started)
}

func (s *service) Scale(replicas int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, replicas)
	for len(s.started) < replicas {
		s.started = append(s.started, time.Now())
	}
	s.started = s.started[:replicas]
}

func (s *service) Pods() []hpa.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	pods := make([]hpa.Pod, len(s.started))
	for i, at := range s.started {
		pods[i] = hpa.Pod{Name: fmt.Sprintf("clicks-%d", i), Phase: corev1.PodPending, Ready: corev1.ConditionFalse, Started: at, ReadyChanged: at}
		if !time.Now().Before(at.Add(2 * time.Second)) {
			pods[i].Phase, pods[i].Ready, pods[i].ReadyChanged = corev1.PodRunning, corev1.ConditionTrue, at.Add(2*time.Second)
		}
	}
	return pods
}

func (s *service) wasAsked() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.asked...)
}

// tutorialSpec is the tutorial's: 1 to 10 replicas, 10m clicks per second each.
func tutorialSpec() autoscalingv2.HorizontalPodAutoscalerSpec {
	least, average := int32(1), resource.MustParse("10m")
	return autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "clicks"},
		MinReplicas:    &least, MaxReplicas: 10,
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: clicksPerSecond},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &average},
		}}},
	}
}

type query = func(ctx context.Context, query string, at time.Time) ([]controller.Sample, error)

// answers is a query that always finds these values, for clicks-0, clicks-1 and so on.
func answers(values ...float64) query {
	return func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
		return perPod(at, values...), nil
	}
}

func perPod(at time.Time, values ...float64) []controller.Sample {
	samples := make([]controller.Sample, len(values))
	for i, v := range values {
		samples[i] = controller.Sample{Labels: map[string]string{"pod": fmt.Sprintf("clicks-%d", i)}, Value: v, Time: at}
	}
	return samples
}

// options are those of a laptop.
func options(target controller.Target, q query) controller.Options {
	settings := hpa.DefaultSettings()
	settings.DownscaleStabilization = 15 * time.Second
	return controller.Options{
		Name: "clicks", Namespace: "default", Spec: tutorialSpec(),
		Queries: map[string]string{clicksPerSecond: "sum by (pod) (rate(demo_app_button_clicks_total[2m]))"},
		Query:   q, Target: target, SyncPeriod: time.Second, Settings: settings,
	}
}

// running starts a controller within a synctest bubble and stops it when the bubble's test function ends.
func running(t *testing.T, o controller.Options) *controller.Controller {
	t.Helper()
	c, err := controller.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait() // the first sync is over
	return c
}

// pass lets time go by and waits until everything that it set off is over.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func last(t *testing.T, c *controller.Controller) controller.Status {
	t.Helper()
	s, ok := c.Last()
	if !ok {
		t.Fatal("there is no decision yet")
	}
	return s
}
