package hpadiff

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/scale/hpa"
)

// TestWhatUpDecidesIsKubernetes follows histories with all that decides in `truecount up`: the controller that asks the
// signals' queries for floating-point values, counts the replicas, runs the algorithm and scales.
func TestWhatUpDecidesIsKubernetes(t *testing.T) {
	var all tally
	started := time.Now()
	count := *histories / 5
	bothHalves(t, count, func(t *testing.T, h history) {
		h.local = true
		u := &up{}
		h.run(t, func(t *testing.T, step int, o *observation) bool {
			s := u.sync(t, o)
			all.add(o, s.Decision)
			theirs, ours := withoutErrors(o.theirs), withoutErrors(ourView(s.Decision, o.in.Observed))
			ours.Desired = int32(u.asked)
			if !cmp.Equal(theirs, ours) {
				t.Error((&difference{step: step, in: o.in, theirs: theirs, ours: ours, explanation: s.Reason()}).report(h))
			}
			return !t.Failed()
		})
	})
	t.Logf("%d histories, %s, %.1f s", count, &all, time.Since(started).Seconds())
	if *one == 0 && count >= 200 && !t.Failed() {
		all.complete(t, true)
	}
}

// withoutErrors leaves out what went wrong with a metric, which is said in the words of queries here and in those of
// metrics APIs there.
func withoutErrors(v view) view {
	var kept []string
	for _, c := range v.Conditions {
		kept = append(kept, failedToGet.ReplaceAllString(c, "$1"))
	}
	v.Conditions = kept
	return v
}

var failedToGet = regexp.MustCompile(`(FailedGet\w+Metric): .*`)

// up is our controller in front of the world that was observed last.
type up struct {
	controller *controller.Controller
	wake       chan struct{}
	observed   *observation
	asked      int
}

// sync lets our controller decide about what Kubernetes' has just decided about.
func (u *up) sync(t *testing.T, o *observation) controller.Status {
	t.Helper()
	u.observed, u.asked = o, int(o.in.Replicas)
	if u.controller == nil {
		u.start(t)
	} else {
		u.wake <- struct{}{}
	}
	synctest.Wait()
	s, _ := u.controller.Last()
	if !s.At.Equal(o.in.Now) {
		t.Fatalf("the last sync was at %s, not %s", s.At, o.in.Now)
	}
	return s
}

func (u *up) start(t *testing.T) {
	t.Helper()
	in := &u.observed.in
	queries := map[string]string{}
	for i := range in.Spec.Metrics {
		queries[metricName(&in.Spec.Metrics[i])] = metricName(&in.Spec.Metrics[i])
	}
	u.wake = make(chan struct{})
	c, err := controller.New(controller.Options{
		Name: service, Namespace: namespace, Spec: *in.Spec, Settings: in.Settings, Queries: queries, Query: u.query, Target: u,
		SyncPeriod: 1000 * time.Hour, Wake: u.wake,
	})
	if err != nil {
		t.Fatal(err)
	}
	u.controller = c
	go c.Run(t.Context())
}

func metricName(m *autoscalingv2.MetricSpec) string {
	switch {
	case m.Pods != nil:
		return m.Pods.Metric.Name
	case m.Object != nil:
		return m.Object.Metric.Name
	}
	return m.External.Metric.Name
}

func (u *up) Pods() []hpa.Pod    { return u.observed.in.Pods }
func (u *up) Desired() int       { return int(u.observed.in.Replicas) }
func (u *up) Scale(replicas int) { u.asked = replicas }

// query answers the query that is called as its metric.
func (u *up) query(_ context.Context, name string, _ time.Time) ([]controller.Sample, error) {
	in := &u.observed.in
	for i := range in.Spec.Metrics {
		if metricName(&in.Spec.Metrics[i]) != name {
			continue
		}
		r := &in.Readings[i]
		var samples []controller.Sample
		for pod, s := range r.Pods {
			samples = append(samples, controller.Sample{Labels: map[string]string{"pod": pod}, Value: float(s.Milli), Time: s.Time})
		}
		for _, v := range r.Values {
			samples = append(samples, controller.Sample{Value: float(v), Time: r.Time})
		}
		return samples, r.Err
	}
	return nil, fmt.Errorf("there is no metric %s", name)
}

// float is the least value that has so many thousandths.
func float(milli int64) float64 {
	v := float64(milli) / 1000
	for m, _ := hpa.Milli(v); m < milli; m, _ = hpa.Milli(v) {
		v = math.Nextafter(v, math.Inf(1))
	}
	return v
}
