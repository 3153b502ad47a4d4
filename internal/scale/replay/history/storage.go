package history

import (
	"context"
	"slices"
	"sort"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/truecount/truecount/internal/promapi"
)

// Querier is what the engine asks.
func (h *History) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{history: h, mint: mint, maxt: maxt}, nil
}

type querier struct {
	history    *History
	mint, maxt int64
}

func (q *querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return &set{found: q.find(matchers), next: -1}
}

// find returns the parts of the series that have samples in the range.
func (q *querier) find(matchers []*labels.Matcher) (found []*series) {
	candidates := q.history.series
	for _, m := range matchers {
		if m.Type == labels.MatchEqual && m.Name == model.MetricNameLabel {
			candidates = q.history.named[m.Value]
		}
	}
	for _, s := range candidates {
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			continue
		}
		if part := s.between(q.mint, q.maxt); len(part.points) > 0 {
			found = append(found, part)
		}
	}
	return found
}

// between returns the part of a series that is in a range, both ends included.
func (s *series) between(mint, maxt int64) *series {
	first := sort.Search(len(s.points), func(i int) bool { return s.points[i].Time >= mint })
	last := sort.Search(len(s.points), func(i int) bool { return s.points[i].Time > maxt })
	return &series{labels: s.labels, points: s.points[first:max(first, last)]}
}

// Queries do not ask for names and values of labels.
func (*querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (*querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (*querier) Close() error { return nil }

// set yields series in the order of their labels.
type set struct {
	found []*series
	next  int
}

func (s *set) Next() bool                        { s.next++; return s.next < len(s.found) }
func (s *set) At() storage.Series                { return s.found[s.next] }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

func (s *series) Labels() labels.Labels { return s.labels }

func (s *series) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return storage.NewListSeriesIterator(samples(s.points))
}

// samples shows points to the engine without copying them.
type samples []promapi.Point

func (s samples) Len() int                { return len(s) }
func (s samples) Get(i int) chunks.Sample { return (*sample)(&s[i]) }

type sample promapi.Point

func (s *sample) T() int64                      { return s.Time }
func (s *sample) ST() int64                     { return 0 }
func (s *sample) F() float64                    { return s.Value }
func (s *sample) H() *histogram.Histogram       { return nil }
func (s *sample) FH() *histogram.FloatHistogram { return nil }
func (s *sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s *sample) Copy() chunks.Sample           { c := *s; return &c }
