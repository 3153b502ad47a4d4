package hpadiff

import (
	"slices"
	"testing"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// smallest leaves out syncs and metrics as long as a difference remains. What is left is for reading: a number says only
// the whole history.
func (h history) smallest(t *testing.T, decide algorithm, found *difference) (history, *difference) {
	t.Helper()
	try := func(smaller history) bool {
		f := smaller.differs(t, decide, &tally{})
		if f != nil {
			h, found = smaller, f
			h.steps = h.steps[:f.step+1]
		}
		return f != nil
	}
	h.steps = h.steps[:found.step+1]
	for i := range found.in.Spec.Metrics {
		smaller := h
		smaller.without = append(slices.Clone(h.without), i)
		if len(found.in.Spec.Metrics) > 1 {
			try(smaller)
		}
	}
	for size := len(h.steps) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(h.steps); {
			smaller := h
			smaller.steps = slices.Delete(slices.Clone(h.steps), from, from+size)
			if !try(smaller) {
				from += size
			}
		}
	}
	return h, found
}

// A fault that shows in one sync with one metric is to be found there, whatever was around it.
func TestADifferenceIsMadeSmall(t *testing.T) {
	decide := func(in hpa.Input, s hpa.State) (hpa.Decision, hpa.State) {
		d, after := hpa.Decide(in, s)
		if len(d.Metrics) > 0 && d.Metrics[0].Name == "metric-0" && d.Metrics[0].Verdict == hpa.WithinTolerance {
			d.Desired++
		}
		return d, after
	}
	for seed := uint64(2); ; seed += 2 {
		h := newHistory(seed, *syncs)
		found := h.differs(t, decide, &tally{})
		if found == nil || found.step < 5 || len(found.in.Spec.Metrics) < 3 {
			continue
		}
		small, found := h.smallest(t, decide, found)
		if len(small.steps) > 2 || len(found.in.Spec.Metrics) > 1 {
			t.Errorf("%s: still %d syncs, %d metrics", h, len(small.steps), len(found.in.Spec.Metrics))
		}
		return
	}
}
