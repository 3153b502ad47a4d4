package hpadiff

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// tally counts what histories contained.
type tally struct {
	mu        sync.Mutex
	decisions int
	changes   int
	restarts  int
	seen      map[string]int // reasons of conditions, verdicts about metrics
}

func (t *tally) add(o *observation, d hpa.Decision) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decisions++
	if o.replicas != o.in.Replicas {
		t.changes++
	}
	if o.restart {
		t.restarts++
	}
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	for _, c := range d.Conditions {
		t.seen[c.Reason]++
	}
	for i := range d.Metrics {
		t.seen[string(d.Metrics[i].Verdict)]++
	}
}

// complete fails if histories are not as various as they should be: something that both can decide did not happen.
func (t *tally) complete(tb testing.TB, local bool) {
	tb.Helper()
	all := []string{
		"SucceededGetScale", "SucceededRescale", "ReadyForNewScale", "ScaleUpStabilized", "ScaleDownStabilized",
		"ValidMetricFound", "ScalingDisabled", "FailedGetPodsMetric", "FailedGetObjectMetric", "FailedGetExternalMetric",
		"DesiredWithinRange", "TooManyReplicas", "TooFewReplicas", "ScaleUpLimit", "ScaleDownLimit", "ScaledToZero", "NotScaledToZero",
		string(hpa.Follows), string(hpa.WithinTolerance), string(hpa.WouldReverse),
	}
	if !local {
		all = append(all, "FailedGetResourceMetric", "FailedGetContainerResourceMetric")
	}
	for _, reason := range all {
		if t.seen[reason] == 0 {
			tb.Errorf("no history had %s", reason)
		}
	}
}

func (t *tally) String() string {
	s := fmt.Sprintf("%d decisions, %d of them changes of replicas; %d restarts;", t.decisions, t.changes, t.restarts)
	for _, reason := range slices.Sorted(maps.Keys(t.seen)) {
		if reason != "" {
			s += fmt.Sprintf(" %s %d", reason, t.seen[reason])
		}
	}
	return s
}
