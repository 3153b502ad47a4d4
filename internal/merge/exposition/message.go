package exposition

import (
	"cmp"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/proto"

	"github.com/truecount/truecount/internal/merge/reading"
)

// exposed converts merged families and puts the merge's own among them, in order of name.
func exposed(families []reading.Family, own []*dto.MetricFamily) []*dto.MetricFamily {
	out := make([]*dto.MetricFamily, 0, len(families)+len(own))
	for i := range families {
		out = append(out, familyMessage(&families[i]))
	}
	out = append(out, own...)
	slices.SortStableFunc(out, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

var kinds = map[reading.Kind]dto.MetricType{
	reading.Untyped: dto.MetricType_UNTYPED, reading.Counter: dto.MetricType_COUNTER, reading.Gauge: dto.MetricType_GAUGE,
	reading.Histogram: dto.MetricType_HISTOGRAM, reading.Summary: dto.MetricType_SUMMARY,
}

func familyMessage(f *reading.Family) *dto.MetricFamily {
	kind := kinds[f.Kind]
	out := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: &kind, Metric: make([]*dto.Metric, len(f.Series))}
	if f.Unit != "" {
		out.Unit = &f.Unit
	}
	for i := range f.Series {
		s := &f.Series[i]
		m := &dto.Metric{Label: s.Labels}
		switch f.Kind {
		case reading.Counter:
			m.Counter = &dto.Counter{Value: &s.Value, Exemplar: s.Exemplar, CreatedTimestamp: s.Created}
		case reading.Gauge:
			m.Gauge = &dto.Gauge{Value: &s.Value}
		case reading.Untyped:
			m.Untyped = &dto.Untyped{Value: &s.Value}
		case reading.Summary:
			m.Summary = &dto.Summary{SampleCount: &s.Count, SampleSum: &s.Sum, CreatedTimestamp: s.Created}
		case reading.Histogram:
			m.Histogram = histogramMessage(s)
		}
		out.Metric[i] = m
	}
	return out
}

func histogramMessage(s *reading.Series) *dto.Histogram {
	h := &dto.Histogram{SampleCount: &s.Count, SampleSum: &s.Sum, CreatedTimestamp: s.Created}
	if b := s.Histogram; b != nil {
		cumulative := uint64(0)
		for i, bound := range b.Bounds {
			cumulative += b.Counts[i]
			h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: proto.Float64(bound), CumulativeCount: proto.Uint64(cumulative), Exemplar: b.Exemplars[i]})
		}
		if e := b.Exemplars[len(b.Bounds)]; e != nil { // else +Inf is implied
			h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: proto.Float64(math.Inf(1)), CumulativeCount: &s.Count, Exemplar: e})
		}
	}
	if n := s.Native; n != nil {
		h.Schema, h.ZeroThreshold, h.ZeroCount = &n.Schema, &n.ZeroThreshold, proto.Uint64(uint64(n.ZeroCount))
		h.PositiveSpan, h.PositiveDelta = spanMessages(n.PositiveSpans, n.PositiveBuckets)
		h.NegativeSpan, h.NegativeDelta = spanMessages(n.NegativeSpans, n.NegativeBuckets)
		h.Exemplars = s.Exemplars
		if len(h.PositiveSpan)+len(h.NegativeSpan) == 0 && n.ZeroThreshold == 0 && n.ZeroCount == 0 {
			// By convention, this span of nothing tells an empty native histogram from a classic one.
			h.PositiveSpan = []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(0)}}
		}
	}
	return h
}

func spanMessages(spans []histogram.Span, buckets []float64) ([]*dto.BucketSpan, []int64) {
	out := make([]*dto.BucketSpan, len(spans))
	for i, s := range spans {
		out[i] = &dto.BucketSpan{Offset: proto.Int32(s.Offset), Length: proto.Uint32(s.Length)}
	}
	deltas, last := make([]int64, len(buckets)), int64(0)
	for i, b := range buckets {
		deltas[i] = int64(b) - last
		last = int64(b)
	}
	return out, deltas
}

// forOpenMetrics gives a counter whose name without _total belongs to another family the type unknown: two families of
// one name are not valid there.
func forOpenMetrics(f *dto.MetricFamily, names map[string]bool) *dto.MetricFamily {
	base, isTotal := strings.CutSuffix(f.GetName(), "_total")
	if f.GetType() != dto.MetricType_COUNTER || !isTotal || !names[base] {
		return f
	}
	out := &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: dto.MetricType_UNTYPED.Enum(), Metric: make([]*dto.Metric, len(f.Metric))}
	for i, m := range f.Metric {
		out.Metric[i] = &dto.Metric{Label: m.Label, Untyped: &dto.Untyped{Value: m.GetCounter().Value}}
	}
	return out
}
