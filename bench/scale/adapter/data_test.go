package main

import (
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
)

// TestEveryPodGrowsAtItsOwnSpeed asks the tutorial's query of what is written, as a Prometheus that opens it does.
func TestEveryPodGrowsAtItsOwnSpeed(t *testing.T) {
	dir := t.TempDir()
	if err := writeData(t.Context(), dir, []population{{"large", 30}, {"small", 4}}, 2*families); err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	defer engine.Close()
	ask := func(query string, at time.Time) promql.Vector {
		t.Helper()
		q, err := engine.NewInstantQuery(t.Context(), db, nil, query, at)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		vector, err := q.Exec(t.Context()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		return append(promql.Vector(nil), vector...)
	}
	for _, later := range []time.Duration{0, 7 * time.Second, 50 * time.Minute} {
		at := time.Now().Add(later)
		for i := range 30 {
			got := ask(`sum(rate(`+counter+`{namespace="large",pod="`+podName(i)+`"}[2m])) by (pod)`, at)
			if len(got) != 1 || int64(math.Floor(got[0].F*1000)) != milli(i) || math.Abs(got[0].F-speed(i)) > 1e-6 {
				t.Errorf("after %v pod %d: %v, want %v", later, i, got, speed(i))
			}
		}
	}
	for _, later := range []time.Duration{0, 20 * time.Minute, 40 * time.Minute} {
		got := ask(`count(last_over_time({__name__=~"shop_.*"}[5m]))`, time.Now().Add(later))
		if len(got) != 1 || got[0].F != 2*families {
			t.Errorf("other series after %v: %v, want %d", later, got, 2*families)
		}
	}
	if got := ask(`time() - max(timestamp(`+counter+`))`, time.Now()); len(got) != 1 || got[0].F > step.Seconds() {
		t.Errorf("the newest sample is %v old, want no more than %v", got, step)
	}
}
