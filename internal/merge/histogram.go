package merge

import (
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"

	"github.com/truecount/truecount/internal/merge/reading"
)

// addBuckets adds classic buckets. It reports whether the bounds are those of the total; if not, the total goes over to
// the bounds that both have, where cumulative counts are exact.
func (t *total) addBuckets(before, now *reading.Buckets) bool {
	if now == nil {
		same := t.buckets == nil
		t.buckets = nil // a count without buckets has only +Inf in common with the others
		return same
	}
	if t.buckets == nil {
		if t.began {
			return false
		}
		t.buckets = &reading.Buckets{
			Bounds: now.Bounds, Counts: make([]uint64, len(now.Counts)), Exemplars: make([]*dto.Exemplar, len(now.Counts)),
		}
	}
	counts := slices.Clone(now.Counts)
	if before != nil {
		for i := range counts {
			counts[i] -= before.Counts[i] // the caller has seen that none is lower and that bounds are equal
		}
	}
	same := slices.Equal(t.buckets.Bounds, now.Bounds)
	if !same {
		shared := intersection(t.buckets.Bounds, now.Bounds)
		t.buckets = onBounds(t.buckets, shared)
		counts = onBounds(&reading.Buckets{Bounds: now.Bounds, Counts: counts}, shared).Counts
	}
	for i, c := range counts {
		t.buckets.Counts[i] = saturatingAdd(t.buckets.Counts[i], c)
	}
	return same
}

func intersection(a, b []float64) []float64 {
	out := make([]float64, 0, min(len(a), len(b)))
	for _, bound := range a {
		if _, found := slices.BinarySearch(b, bound); found {
			out = append(out, bound)
		}
	}
	return out
}

// onBounds brings buckets to fewer bounds, all of which they have.
func onBounds(b *reading.Buckets, bounds []float64) *reading.Buckets {
	out := &reading.Buckets{Bounds: bounds, Counts: make([]uint64, len(bounds)+1), Exemplars: make([]*dto.Exemplar, len(bounds)+1)}
	at := 0
	for i, c := range b.Counts {
		out.Counts[at] = saturatingAdd(out.Counts[at], c)
		if b.Exemplars != nil && b.Exemplars[i] != nil {
			out.Exemplars[at] = b.Exemplars[i]
		}
		if at < len(bounds) && i < len(b.Bounds) && b.Bounds[i] == bounds[at] {
			at++
		}
	}
	return out
}

// addNative adds native buckets, at the coarser of the two resolutions and the wider of the two zero buckets.
func (t *total) addNative(before *histogram.FloatHistogram, now *reading.Series) bool {
	if now.Native == nil {
		same := t.native == nil
		t.native, t.exemplars = nil, nil
		return same
	}
	delta := now.Native
	if before != nil {
		delta = delta.Copy()
		if _, _, _, err := delta.Sub(before); err != nil {
			return false
		}
	}
	if t.native == nil {
		if t.began {
			return false
		}
		t.native = delta.Copy()
		return true
	}
	if _, _, _, err := t.native.Add(delta); err != nil {
		return false
	}
	t.native.Compact(0)
	return true
}

// restarted tells whether now can't be what before went on to be: something that only grows has shrunk.
func restarted(kind reading.Kind, before, now *reading.Series) bool {
	if kind == reading.Counter {
		return now.Value < before.Value
	}
	if now.Count < before.Count || (now.Histogram == nil) != (before.Histogram == nil) || (now.Native == nil) != (before.Native == nil) {
		return true
	}
	if h := now.Histogram; h != nil {
		if !slices.Equal(h.Bounds, before.Histogram.Bounds) {
			return true
		}
		for i, c := range h.Counts {
			if c < before.Histogram.Counts[i] {
				return true
			}
		}
	}
	return now.Native != nil && now.Native.DetectReset(before.Native)
}

// onto brings the buckets of before to the bounds of now, which are the same or some of them.
func onto(before, now *reading.Series) *reading.Series {
	if before.Histogram == nil || now.Histogram == nil || slices.Equal(before.Histogram.Bounds, now.Histogram.Bounds) {
		return before
	}
	coarser := *before
	coarser.Histogram = onBounds(before.Histogram, now.Histogram.Bounds)
	return &coarser
}

// maxNativeExemplars is how many a native histogram keeps; client_golang's own default.
const maxNativeExemplars = 10

// keepExemplars takes over the exemplars that a reading brought new. Which one is newer is decided by the order of
// readings: workers' clocks may jump.
func (t *total) keepExemplars(before, now *reading.Series) {
	if now.Exemplar != nil && (before == nil || !sameExemplar(before.Exemplar, now.Exemplar)) {
		t.exemplar = now.Exemplar
	}
	if now.Histogram != nil && t.buckets != nil {
		for i, e := range now.Histogram.Exemplars {
			if e == nil || before != nil && before.Histogram != nil && sameExemplar(before.Histogram.Exemplars[i], e) {
				continue
			}
			at, _ := slices.BinarySearch(t.buckets.Bounds, e.GetValue()) // bounds are inclusive
			t.buckets.Exemplars[at] = e
		}
	}
	if t.native == nil {
		return
	}
	for _, e := range now.Exemplars {
		if before != nil && slices.ContainsFunc(before.Exemplars, func(old *dto.Exemplar) bool { return sameExemplar(old, e) }) {
			continue
		}
		if t.exemplars = append(t.exemplars, e); len(t.exemplars) > maxNativeExemplars {
			t.exemplars = slices.Delete(t.exemplars, 0, 1)
		}
	}
}

func sameExemplar(a, b *dto.Exemplar) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.GetValue() != b.GetValue() || a.GetTimestamp().AsTime() != b.GetTimestamp().AsTime() || len(a.Label) != len(b.Label) {
		return false
	}
	for i := range a.Label {
		if a.Label[i].GetName() != b.Label[i].GetName() || a.Label[i].GetValue() != b.Label[i].GetValue() {
			return false
		}
	}
	return true
}
