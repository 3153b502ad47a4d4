package main

import (
	"strings"
	"testing"
	"time"
)

func TestALoadIsToldBySide(t *testing.T) {
	var out strings.Builder
	r := &report{out: &out, sides: []side{{name: "peer"}, {name: "ours"}}}
	peer := turn{latencies: []time.Duration{time.Second, 3 * time.Second}, timeouts: 2, took: 8 * time.Second, cpu: 4 * time.Second, peak: 900e6, bytes: 1e6}
	ours := turn{latencies: []time.Duration{10 * time.Millisecond, 20 * time.Millisecond}, took: 40 * time.Millisecond, cpu: 20 * time.Millisecond, peak: 90e6, bytes: 1e6}
	r.load(load{name: "5000 pods", pods: 5000, clients: 8}, [][]turn{{peer}, {ours}})
	if err := r.flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"p50 1000 ms 10 ms 100.0", "p99 3000 ms 20 ms 150.0", "requests a second 0.25 50 200.0", "CPU for a request 1000 ms 10 ms 100.0",
		"resident at most 900 MB 90 MB 10.0", "requests 4 2", "answered with 504 after a minute 2 0",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("there is no line %q in\n%s", want, &out)
		}
	}
}

func TestASideThatWasNeverAnsweredHasNoRatio(t *testing.T) {
	if got := ratio([]time.Duration{0, time.Second}); got != "–" {
		t.Errorf("got %s", got)
	}
	if got := ratio([]time.Duration{time.Second}); got != "–" {
		t.Errorf("got %s for one side", got)
	}
}
