package instrumenttest

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Snapshot has the values of all series at one time.
type Snapshot struct {
	g        prometheus.Gatherer
	samples  map[key]float64
	compound map[string]bool // the names of histograms and summaries
}

// Take gathers, and ends the test if that fails. Use it to look at several series before and after one call.
func Take(t testing.TB, g prometheus.Gatherer) *Snapshot {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatalf("the metrics cannot be gathered: %v", err)
	}
	s := &Snapshot{g: g, samples: map[key]float64{}, compound: map[string]bool{}}
	for _, f := range families {
		for _, metric := range f.Metric {
			s.add(f.GetName(), metric)
		}
	}
	return s
}

// Value returns the value that a series had. The test ends if there was no such series.
func (s *Snapshot) Value(t testing.TB, series string) float64 {
	t.Helper()
	key := read(t, series)
	if !s.has(key) {
		t.Fatalf("%s is not exposed%s", key, s.near(key))
	}
	return s.samples[key]
}

// Difference returns what was added to the value of a series since the snapshot; see the function [Difference].
func (s *Snapshot) Difference(t testing.TB, series string) float64 {
	t.Helper()
	before := s.samples[read(t, series)]
	return Value(t, s.g, series) - before
}

// ExpectDifference fails the test if something else was added to the value of the series since the snapshot.
func (s *Snapshot) ExpectDifference(t testing.TB, series string, want float64) {
	t.Helper()
	key := read(t, series)
	now := Take(t, s.g)
	before, after := s.samples[key], now.samples[key]
	switch {
	case same(after-before, want) && (want == 0 || now.has(key)):
	case !now.has(key):
		t.Errorf("%s is not exposed, want %v more than %v%s", key, want, before, now.near(key))
	default:
		t.Errorf("%s went from %v to %v, which is %v more; want %v more%s", key, before, after, after-before, want, now.changed(s, key))
	}
}

func (s *Snapshot) has(k key) bool { _, ok := s.samples[k]; return ok }

// list is sorted by name, then labels.
func (s *Snapshot) list() []key {
	return slices.SortedFunc(maps.Keys(s.samples), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.labels, b.labels))
	})
}

// add takes a metric's samples down as Prometheus would store them.
func (s *Snapshot) add(name string, metric *dto.Metric) {
	set := func(suffix string, value float64, more ...string) {
		labels := make(map[string]string, len(metric.Label)+1)
		for _, l := range metric.Label {
			labels[l.GetName()] = l.GetValue()
		}
		if len(more) == 2 {
			labels[more[0]] = more[1]
		}
		s.samples[newKey(name+suffix, labels)] = value
	}
	s.compound[name] = metric.Histogram != nil || metric.Summary != nil
	switch {
	case metric.Counter != nil:
		set("", metric.Counter.GetValue())
	case metric.Gauge != nil:
		set("", metric.Gauge.GetValue())
	case metric.Untyped != nil:
		set("", metric.Untyped.GetValue())
	case metric.Histogram != nil:
		h := metric.Histogram
		count := max(float64(h.GetSampleCount()), h.GetSampleCountFloat())
		set("_count", count)
		set("_sum", h.GetSampleSum())
		for _, b := range h.Bucket {
			set("_bucket", max(float64(b.GetCumulativeCount()), b.GetCumulativeCountFloat()), "le", number(b.GetUpperBound()))
		}
		if len(h.Bucket) > 0 {
			set("_bucket", count, "le", "+Inf")
		}
	case metric.Summary != nil:
		set("_count", float64(metric.Summary.GetSampleCount()))
		set("_sum", metric.Summary.GetSampleSum())
		for _, q := range metric.Summary.Quantile {
			set("", q.GetValue(), "quantile", number(q.GetQuantile()))
		}
	}
}

// number writes a bucket's bound as the text format does.
func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
