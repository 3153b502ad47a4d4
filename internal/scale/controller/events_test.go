package controller_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/scale/controller"
)

func TestHoldingAndResumingAreEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		s := serviceOf(1)
		var log bytes.Buffer
		o := options(s, func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			if down.Load() {
				return nil, errors.New("connection refused")
			}
			return perPod(at, 0.02, 0.02, 0.02, 0.02), nil
		})
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c := running(t, o)
		pass(3 * time.Second) // 1 → 2 → 4, and so on: the values do not fall with the replicas
		down.Store(true)
		pass(5 * time.Second)
		down.Store(false)
		pass(1 * time.Second)

		var kinds []controller.EventKind
		for _, e := range c.Events() {
			kinds = append(kinds, e.Kind)
		}
		held := slices.Index(kinds, controller.Holding)
		if held < 1 || kinds[0] != controller.ScaledUp || !slices.Contains(kinds[held:], controller.ScaledUp) {
			t.Errorf("events %v", kinds)
		}
		if n := strings.Count(log.String(), "autoscaling holds"); n != 1 || !strings.Contains(log.String(), "connection refused") {
			t.Errorf("%d warnings:\n%s", n, &log)
		}
		first := c.Events()[0]
		if first.From != 1 || first.To != 2 || first.Reason == "" || first.At.IsZero() {
			t.Errorf("event %+v", first)
		}
	})
}

func TestAHoldThatEndsWithoutAChangeIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := running(t, options(serviceOf(1), func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			if n.Add(1) < 3 {
				return nil, nil
			}
			return perPod(at, 0.01), nil
		}))
		pass(5 * time.Second)
		events := c.Events()
		if len(events) != 2 || events[0].Kind != controller.Holding || events[1].Kind != controller.Resumed {
			t.Errorf("events %+v", events)
		}
	})
}

func TestOnlyTheLastHundredEventsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := running(t, options(serviceOf(1), func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			if n.Add(1)%2 == 0 {
				return nil, nil
			}
			return perPod(at, 0.01), nil
		}))
		pass(300 * time.Second)
		events := c.Events()
		if len(events) != 100 || !events[99].At.Equal(time.Now()) {
			t.Errorf("%d events, the last at %s", len(events), events[len(events)-1].At)
		}
		events[0].Reason = "changed"
		if c.Events()[0].Reason == "changed" {
			t.Error("the caller changed the controller's events")
		}
	})
}
