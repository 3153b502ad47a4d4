package history

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// MaxSamples bounds what all files together hold: 800 MB.
const MaxSamples = 50_000_000

// History is what was read from files. Reading comes first; after it, questions may be asked concurrently.
type History struct {
	series  []*series
	places  map[string]int // by labels
	named   map[string][]*series
	samples int
	limit   int // of samples
	sorted  bool
}

type series struct {
	labels labels.Labels
	points []promapi.Point
}

// New returns a history without anything in it.
func New() *History { return &History{places: map[string]int{}, limit: MaxSamples} }

// Samples returns how many there are.
func (h *History) Samples() int { return h.samples }

// Range returns the times of the first and the last sample in milliseconds; they are not ok if there is none.
func (h *History) Range() (first, last int64, ok bool) {
	h.sort()
	first, last = math.MaxInt64, math.MinInt64
	for _, s := range h.series {
		if n := len(s.points); n > 0 {
			first, last, ok = min(first, s.points[0].Time), max(last, s.points[n-1].Time), true
		}
	}
	return first, last, ok
}

// of returns the series with the labels, made if it is new.
func (h *History) of(l labels.Labels) *series {
	key := string(l.Bytes(nil))
	i, known := h.places[key]
	if !known {
		i = len(h.series)
		h.places[key] = i
		h.series = append(h.series, &series{labels: l})
	}
	return h.series[i]
}

var errTooMany = errors.New("too many samples")

func (h *History) add(s *series, p promapi.Point) error {
	if h.samples++; h.samples > h.limit {
		return hint.Errorf("export the series of this application only, or a shorter time", "more than %d samples: %w", h.limit, errTooMany)
	}
	s.points = append(s.points, p)
	h.sorted = false
	return nil
}

// sort orders everything for questions. Of two samples of one time the later read one counts.
func (h *History) sort() {
	if h.sorted {
		return
	}
	slices.SortFunc(h.series, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	h.named = map[string][]*series{}
	for i, s := range h.series {
		h.places[string(s.labels.Bytes(nil))] = i
		h.named[s.labels.Get(model.MetricNameLabel)] = append(h.named[s.labels.Get(model.MetricNameLabel)], s)
		byTime := func(a, b promapi.Point) int { return cmp.Compare(a.Time, b.Time) }
		if !slices.IsSortedFunc(s.points, byTime) {
			slices.SortStableFunc(s.points, byTime)
		}
		s.points = lastOfEach(s.points)
	}
	h.sorted = true
}

// lastOfEach keeps of points with the same time the last.
func lastOfEach(points []promapi.Point) []promapi.Point {
	kept := points[:0]
	for _, p := range points {
		if n := len(kept); n > 0 && kept[n-1].Time == p.Time {
			kept[n-1] = p
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

var stale = math.Float64frombits(value.StaleNaN)

// markEnds gives a series of a text its markers back: a NaN after numbers, before nothing or a gap.
func markEnds(points []promapi.Point) {
	for i := 1; i < len(points); i++ {
		if !math.IsNaN(points[i].Value) || math.IsNaN(points[i-1].Value) {
			continue
		}
		usual := points[i].Time - points[i-1].Time
		if i+1 == len(points) || 2*(points[i+1].Time-points[i].Time) > 3*usual {
			points[i].Value = stale
		}
	}
}

// withoutName is what a question about a series without a name says.
func withoutName(name string) error {
	return hint.Errorf("give it a name: --history NAME="+name, "%s: its series have no name by which they could be asked for", name)
}

func at(name string, line int, err error) error { return fmt.Errorf("%s:%d: %w", name, line, err) }
