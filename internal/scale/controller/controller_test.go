package controller_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/scale/hpa"
)

func TestTheTargetIsAskedForWhatTheMetricsSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serviceOf(1)
		c := running(t, options(s, answers(2.0/120)))
		if got := s.wasAsked(); !slices.Equal(got, []int{2}) {
			t.Errorf("asked for %v", got)
		}
		d := last(t, c)
		if d.Current != 1 || d.Desired != 2 || d.Running != 1 || d.Metrics[0].Current.String() != "16m" || d.Metrics[0].Target.String() != "10m" {
			t.Errorf("%d → %d, running %d, %s of %s", d.Current, d.Desired, d.Running, d.Metrics[0].Current, d.Metrics[0].Target)
		}
		if d.Reason() != clicksPerSecond+" is 16m per replica, target 10m: 2 recommended" {
			t.Errorf("reason: %s", d.Reason())
		}
		if !d.At.Equal(time.Now()) || d.SyncPeriod != time.Second {
			t.Errorf("at %s, every %s", d.At, d.SyncPeriod)
		}
	})
}

func TestTheFirstSyncKeepsWhatTheTargetHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serviceOf(5)
		c := running(t, options(s, answers(0, 0, 0, 0, 0)))
		d := last(t, c)
		if d.Current != 5 || d.Desired != 5 || d.StabilizedUntil.Sub(d.At) != 15*time.Second {
			t.Errorf("%d → %d, held for %s", d.Current, d.Desired, d.StabilizedUntil.Sub(d.At))
		}
		pass(17 * time.Second)
		if got := s.wasAsked(); !slices.Equal(got, []int{1}) {
			t.Errorf("asked for %v after the window", got)
		}
	})
}

// Whatever a query says that cannot be a count keeps the replicas as they are, and the reason says what it was.
func TestK1K2K3WhatIsNotKnownHolds(t *testing.T) {
	for name, c := range map[string]struct {
		query query
		want  string
		hint  bool
	}{
		"K1 the query fails": {func(context.Context, string, time.Time) ([]controller.Sample, error) {
			return nil, errors.New("connection refused")
		}, "the query failed: connection refused", false},
		"K2 NaN":         {answers(0, math.NaN(), 0), "pod clicks-1: the value is NaN", false},
		"K2 infinity":    {answers(0, 0, math.Inf(1)), "pod clicks-2: the value is infinite", false},
		"K2 negative":    {answers(-1, 0, 0), "pod clicks-0: the value -1 is negative", false},
		"K2 too large":   {answers(1e300, 0, 0), "pod clicks-0: the value 1e+300 is too large to count in thousandths", false},
		"K3 empty":       {answers(), "the query found nothing", false},
		"K3 stale":       {stale(5*time.Minute + time.Second), "pod clicks-0: the value is 5m1s old, more than 5m0s", false},
		"no label pod":   {labelled("instance", "a"), "the query found no series with the label pod", true},
		"only gone pods": {labelled("pod", "clicks-9"), "the query found only pods that do not exist: clicks-9", false},
		"a pod twice": {func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			return append(perPod(at, 0), perPod(at, 0)...), nil
		}, "the query found several series for pod clicks-0", true},
		"another namespace's": {func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			return []controller.Sample{{Labels: map[string]string{"pod": "clicks-0", "namespace": "other"}, Time: at}}, nil
		}, "the query found nothing in namespace default", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serviceOf(3)
				ctl := running(t, options(s, c.query))
				pass(time.Minute)
				d := last(t, ctl)
				if d.Outcome != hpa.Held || d.Desired != 3 || len(s.wasAsked()) != 0 {
					t.Errorf("%s at %d, asked for %v", d.Outcome, d.Desired, s.wasAsked())
				}
				if !strings.Contains(d.Reason(), c.want) {
					t.Errorf("reason: %s", d.Reason())
				}
				if (hint.Of(d.Err) != "") != c.hint {
					t.Errorf("hint %q of %v", hint.Of(d.Err), d.Err)
				}
			})
		})
	}
}

func stale(age time.Duration) query {
	return func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
		return perPod(at.Add(-age), 0, 0, 0), nil
	}
}

func labelled(name, value string) query {
	return func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
		return []controller.Sample{{Labels: map[string]string{name: value}, Time: at}}, nil
	}
}

func TestK3AValueAsOldAsAllowedCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := running(t, options(serviceOf(3), stale(5*time.Minute)))
		if d := last(t, c); d.Outcome != hpa.Computed {
			t.Error(d.Reason())
		}
	})
}

func TestOnlySamplesOfExistingReplicasCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Ten replicas had clicks a minute ago; the two that are left have none.
		c := running(t, options(serviceOf(2), answers(0.01, 0.01, 9, 9, 9, 9, 9, 9, 9, 9)))
		if d := last(t, c); d.Desired != 2 || d.Metrics[0].Current.String() != "10m" {
			t.Errorf("%d at %s: %s", d.Desired, d.Metrics[0].Current, d.Reason())
		}
	})
}

func TestAReplicaWithoutSampleIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := running(t, options(serviceOf(3), answers(0.03)))
		if d := last(t, c); d.Desired != 3 || d.Metrics[0].Pods != (hpa.PodCounts{Ready: 1, Missing: 2}) {
			t.Errorf("%d, %+v: %s", d.Desired, d.Metrics[0].Pods, d.Reason())
		}
	})
}

func TestK1AQueryThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serviceOf(3)
		c := running(t, options(s, func(ctx context.Context, _ string, _ time.Time) ([]controller.Sample, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		if _, ok := c.Last(); ok {
			t.Fatal("decided before the query was given up")
		}
		pass(controller.DefaultQueryTimeout)
		d := last(t, c)
		if d.Outcome != hpa.Held || !strings.Contains(d.Reason(), "the query was not answered within 5s") || d.Took != 5*time.Second {
			t.Errorf("%s after %s: %s", d.Outcome, d.Took, d.Reason())
		}
	})
}

func TestStoppingDuringAQueryDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(serviceOf(3), func(ctx context.Context, _ string, _ time.Time) ([]controller.Sample, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		c, err := controller.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if s, ok := c.Last(); ok {
			t.Errorf("decided: %s", s.Reason())
		}
	})
}

// counting wraps a query and counts how often it is asked.
func counting(n *atomic.Int64, q query) query {
	return func(ctx context.Context, expr string, at time.Time) ([]controller.Sample, error) {
		n.Add(1)
		return q(ctx, expr, at)
	}
}

func TestSyncsKeepTheirPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		o := options(serviceOf(1), counting(&asked, func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			<-time.After(300 * time.Millisecond) // the time that a query takes is part of the period
			return perPod(at, 0), nil
		}))
		o.SyncPeriod = 15 * time.Second
		running(t, o)
		pass(time.Minute + time.Second)
		if n := asked.Load(); n != 5 {
			t.Errorf("asked %d times in a minute, the start included", n)
		}
	})
}

func TestAWakeUpSyncsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		wake := make(chan struct{})
		o := options(serviceOf(1), counting(&asked, answers(0)))
		o.SyncPeriod, o.Wake = 15*time.Second, wake
		c := running(t, o)
		pass(time.Second)
		wake <- struct{}{}
		synctest.Wait()
		if n := asked.Load(); n != 2 || !last(t, c).At.Equal(time.Now()) {
			t.Errorf("asked %d times, last at %s", n, last(t, c).At)
		}
	})
}

func TestAFloodOfWakeUpsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		wake := make(chan struct{})
		o := options(serviceOf(1), counting(&asked, answers(0)))
		o.SyncPeriod, o.Wake = time.Minute, wake
		running(t, o)
		for range 10000 { // over ten seconds
			wake <- struct{}{}
			<-time.After(time.Millisecond)
		}
		if n := asked.Load(); n < 90 || n > 101 {
			t.Errorf("asked %d times in ten seconds at 100 ms", n)
		}
	})
}

func TestAClosedWakeIsNoWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		wake := make(chan struct{})
		close(wake)
		o := options(serviceOf(1), counting(&asked, answers(0)))
		o.Wake = wake
		running(t, o)
		pass(2500 * time.Millisecond)
		if n := asked.Load(); n != 3 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestThereIsNoDecisionBeforeTheFirst(t *testing.T) {
	c, err := controller.New(options(serviceOf(1), answers(0)))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Last(); ok || len(c.Events()) != 0 {
		t.Error("there is one")
	}
}
