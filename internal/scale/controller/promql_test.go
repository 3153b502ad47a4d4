package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/truecount/truecount/internal/scale/controller"
)

// history is one counter per replica, a value a second: a minute of silence, 60 clicks at once on the first replica,
// then silence again.
func history() string {
	var b strings.Builder
	b.WriteString("load 1s\n")
	for i := range 10 {
		clicks := 60
		if i > 0 {
			clicks = 0
		}
		fmt.Fprintf(&b, "  demo_app_button_clicks_total{namespace=\"default\",pod=\"clicks-%d\"} 0x60 %dx400\n", i, clicks)
	}
	return b.String()
}

// The whole way from counters to replicas, with Prometheus' own evaluation of the application file's query.
func TestABurstOfClicksScalesToTenAndSilenceBackToOne(t *testing.T) {
	storage := promqltest.LoadedStorage(t, history())
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)

	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		o := options(serviceOf(1), func(ctx context.Context, expr string, at time.Time) ([]controller.Sample, error) {
			q, err := engine.NewInstantQuery(ctx, storage, nil, expr, at)
			if err != nil {
				return nil, err
			}
			defer q.Close()
			vector, err := q.Exec(ctx).Vector()
			return fromVector(vector), err
		})
		// The counters begin at the epoch; let thirty seconds be over.
		o.Now = func() time.Time { return time.Unix(30, 0).Add(time.Since(start)) }
		c := running(t, o)
		pass(25 * time.Second)
		if d := last(t, c); d.Desired != 1 {
			t.Fatalf("%d replicas before the first click: %s", d.Desired, d.Reason())
		}
		pass(20 * time.Second)
		var steps []int
		for _, e := range c.Events() {
			steps = append(steps, e.To)
		}
		if !slices.Equal(steps, []int{4, 8, 10}) {
			t.Errorf("grew in steps %v", steps)
		}
		pass(90 * time.Second) // the clicks are still in the rate's window
		if d := last(t, c); d.Desired != 10 {
			t.Errorf("%d replicas while the rate is high: %s", d.Desired, d.Reason())
		}
		pass(40 * time.Second) // they have left it, and the stabilisation window is over
		if d := last(t, c); d.Desired != 1 || d.Running != 1 {
			t.Errorf("%d replicas long after the last click: %s", d.Desired, d.Reason())
		}
	})
}

func fromVector(v promql.Vector) []controller.Sample {
	samples := make([]controller.Sample, len(v))
	for i, s := range v {
		samples[i] = controller.Sample{Labels: s.Metric.Map(), Value: s.F, Time: time.UnixMilli(s.T)}
	}
	return samples
}
