package hpa_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// tutorial is the button service of the tutorials: 1 to 10 replicas, 10m clicks per second and replica, rates over two
// minutes, a decision every 15 seconds. A new replica takes a decision's time to start and then has no clicks.
type tutorial struct {
	t        *testing.T
	now      time.Time
	clicks   []time.Time // all on the first replica: with keep-alive a person stays on one
	replicas int32
	state    hpa.State
	last     hpa.Decision
}

func newTutorial(t *testing.T) *tutorial {
	u := &tutorial{t: t, now: noon, replicas: 1}
	u.sync(1)
	return u
}

func (u *tutorial) click(n int) {
	for range n {
		u.clicks = append(u.clicks, u.now)
	}
}

// sync makes n decisions and returns the replicas after each.
func (u *tutorial) sync(n int) (history []int32) {
	for range n {
		u.now = u.now.Add(15 * time.Second)
		u.clicks = slices.DeleteFunc(u.clicks, func(c time.Time) bool { return !c.After(u.now.Add(-2 * time.Minute)) })
		pods := serving(int(u.replicas))
		reading := samples()
		for i := range pods {
			if started := i < int(u.last.Current) || u.last.Current == 0; !started {
				pods[i].Phase = corev1.PodPending
				continue
			}
			reading.Pods[pods[i].Name] = hpa.Sample{Time: u.now}
		}
		milli, err := hpa.Milli(float64(len(u.clicks)) / 120)
		if err != nil {
			u.t.Fatal(err)
		}
		reading.Pods[podName(0)] = hpa.Sample{Milli: milli, Time: u.now}
		in := situation{metric: podsMetric("demo_app_button_clicks_per_second", "10m"), replicas: u.replicas, pods: pods, reading: reading}.input()
		in.Spec.MaxReplicas, in.Now = 10, u.now
		u.last, u.state = hpa.Decide(in, u.state)
		u.replicas = u.last.Desired
		history = append(history, u.replicas)
	}
	return history
}

func (u *tutorial) expect(n int, want ...int32) {
	u.t.Helper()
	if got := u.sync(n); !slices.Equal(slices.Compact(slices.Clone(got)), want) {
		u.t.Errorf("went %v, want %v: %s", got, want, u.last.Reason())
	}
}

func TestTutorialOneClickIsOneReplica(t *testing.T) {
	u := newTutorial(t)
	u.click(1)
	u.expect(8, 1)
}

func TestTutorialTwoClicksAreTwoReplicas(t *testing.T) {
	u := newTutorial(t)
	u.click(2)
	u.expect(7, 2)
}

func TestTutorialABurstGoesToFourThenToTen(t *testing.T) {
	u := newTutorial(t)
	u.click(60)
	u.expect(3, 4, 8, 10)
	u.expect(4, 10) // half a rate window later
}

func TestTutorialSilenceGoesBackToOneAfterTheStabilisation(t *testing.T) {
	u := newTutorial(t)
	u.click(60)
	u.expect(3, 4, 8, 10)
	silent := u.now
	for u.replicas == 10 {
		if u.now.After(silent.Add(10 * time.Minute)) {
			t.Fatalf("still ten replicas: %s", u.last.Reason())
		}
		u.sync(1)
	}
	// The clicks leave the rate's window two minutes after they were made (45 s before), then the five minutes begin.
	if waited := u.now.Sub(silent); waited < 6*time.Minute || waited > 7*time.Minute {
		t.Errorf("went down after %s", waited)
	}
	u.expect(4, 1)
}
