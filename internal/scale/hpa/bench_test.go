package hpa_test

import (
	"math"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// BenchmarkASimulatedDay decides every 15 seconds of a day about a service whose load swings between 1 and 30 replicas.
func BenchmarkASimulatedDay(b *testing.B) {
	const perDay = int(24 * time.Hour / (15 * time.Second))
	// Every load in steps of 10 per second, shared by every number of replicas: made before the clock runs.
	var readings [31][]hpa.Reading
	for n := 1; n < len(readings); n++ {
		for load := range 31 {
			all := samples()
			for i := range n {
				all.Pods[podName(i)] = hpa.Sample{Time: noon, Milli: int64(load*10*1000) / int64(n)}
			}
			readings[n] = append(readings[n], all)
		}
	}
	pods := serving(30)
	s := spec(1, 30, podsMetric("clicks_per_second", "10"))
	for name, with := range map[string]bool{"behavior=default": false, "behavior=given": true} {
		b.Run(name, func(b *testing.B) {
			if s.Behavior = nil; with {
				s.Behavior = behavior(policies(4, 60, 100, 60, 60), policies(2, 60, 10, 60, 300))
			}
			b.ReportAllocs()
			for b.Loop() {
				changes := 0
				in := hpa.Input{Namespace: "default", Spec: s, Replicas: 1, Observed: 1, Settings: hpa.DefaultSettings(), Now: noon}
				in.Readings = make([]hpa.Reading, 1)
				var d hpa.Decision
				var state hpa.State
				for i := range perDay {
					n := in.Replicas
					load := 15 * (1 + math.Sin(float64(i)/300))
					in.Readings[0] = readings[n][int(load)]
					in.Pods, in.Observed, in.Now = pods[:n], n, in.Now.Add(15*time.Second)
					if d, state = hpa.Decide(in, state); d.Desired != n {
						changes++
					}
					in.Replicas = d.Desired
				}
				if changes < 20 {
					b.Fatalf("only %d changes in a day", changes)
				}
			}
			b.ReportMetric(float64(perDay), "decisions/op")
		})
	}
}
