package reading

import (
	"math"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
)

// maxIndex bounds the index of a native bucket. Schema 8 needs about 2^8 × 2^11 to span all of float64; an index
// beyond that can only be an error or an attack on the arithmetic of indexes, which is done in 32 bits.
const maxIndex = 1 << 20

// maxExact is the greatest whole number below which float64 holds every whole number.
const maxExact = 1 << 53

// nativeOf returns the native part of h, nil if it has none. ok is false if it has one that can't be used.
func nativeOf(h *dto.Histogram) (_ *histogram.FloatHistogram, ok bool) {
	if h.Schema == nil {
		return nil, true
	}
	f := &histogram.FloatHistogram{
		Schema: h.GetSchema(), ZeroThreshold: h.GetZeroThreshold(), ZeroCount: float64(h.GetZeroCount()), Count: float64(h.GetSampleCount()),
	}
	var fits bool
	if f.PositiveSpans, f.PositiveBuckets, fits = nativeBuckets(h.GetPositiveSpan(), h.GetPositiveDelta()); !fits {
		return nil, false
	}
	if f.NegativeSpans, f.NegativeBuckets, fits = nativeBuckets(h.GetNegativeSpan(), h.GetNegativeDelta()); !fits {
		return nil, false
	}
	return f, true
}

func nativeBuckets(spans []*dto.BucketSpan, deltas []int64) ([]histogram.Span, []float64, bool) {
	out := make([]histogram.Span, len(spans))
	index, length := int64(0), int64(0)
	for i, s := range spans {
		if i > 0 && s.GetOffset() < 0 {
			return nil, nil, false
		}
		index += int64(s.GetOffset())
		if index < -maxIndex || index > maxIndex {
			return nil, nil, false
		}
		index += int64(s.GetLength())
		length += int64(s.GetLength())
		if index > maxIndex || length > int64(len(deltas)) {
			return nil, nil, false
		}
		out[i] = histogram.Span{Offset: s.GetOffset(), Length: s.GetLength()}
	}
	if length != int64(len(deltas)) {
		return nil, nil, false
	}
	counts, count := make([]float64, len(deltas)), int64(0)
	for i, d := range deltas {
		if d > maxExact || d < -maxExact {
			return nil, nil, false
		}
		if count += d; count < 0 || count > maxExact {
			return nil, nil, false
		}
		counts[i] = float64(count)
	}
	return out, counts, true
}

// validNative tells whether a worker may have said h.
func validNative(h *histogram.FloatHistogram) bool {
	if h.Count > maxExact || h.ZeroCount > maxExact || !SoundNative(h) {
		return false
	}
	total := h.ZeroCount
	for _, c := range h.PositiveBuckets {
		total += c
	}
	for _, c := range h.NegativeBuckets {
		total += c
	}
	return total <= h.Count // less if NaN was observed
}

// SoundNative repeats what the arithmetic on h relies on: it panics or loops on what it does not expect.
func SoundNative(h *histogram.FloatHistogram) bool {
	return h.Schema >= histogram.ExponentialSchemaMin && h.Schema <= histogram.ExponentialSchemaMax &&
		h.ZeroThreshold >= 0 && !math.IsInf(h.ZeroThreshold, 0) && soundSpans(h.PositiveSpans) && soundSpans(h.NegativeSpans) && h.Validate() == nil
}

func soundSpans(spans []histogram.Span) bool {
	index := int64(0)
	for i, s := range spans {
		if i > 0 && s.Offset < 0 {
			return false
		}
		if index += int64(s.Offset); index < -maxIndex || index > maxIndex {
			return false
		}
		if index += int64(s.Length); index > maxIndex {
			return false
		}
	}
	return true
}
