package merge

import (
	"cmp"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/truecount/truecount/internal/merge/exact"
	"github.com/truecount/truecount/internal/merge/reading"
)

// ledger holds what all generations, living and ended, counted together. Generations add what they count; nothing is
// ever taken away. It is not safe for concurrent use: its Merger or Group locks.
type ledger struct {
	families map[string]*family
	sorted   []*family
	samples  map[string]*family // by the names of the samples that a family is exposed as
	series   int
	limit    int
}

// family is one merged metric. The totals of gauges are not kept here: they are put together from live generations.
type family struct {
	name, help, unit string
	kind             reading.Kind
	holders          int // generations that expose it; a gauge without any is forgotten
	totals           map[string]*total
	sorted           []*total
	index            int // while a payload is written
}

// total is one merged series of a counter, histogram or summary.
type total struct {
	key       string
	labels    []*dto.LabelPair
	created   *timestamppb.Timestamp
	value     exact.Sum // of a counter
	exemplar  *dto.Exemplar
	count     uint64
	sum       exact.Sum
	buckets   *reading.Buckets // counts are this total's own and change
	native    *histogram.FloatHistogram
	exemplars []*dto.Exemplar
	began     bool // some generation has added to it
	index     int  // in its family, while a payload is written
}

func newLedger(limit int) *ledger {
	return &ledger{families: map[string]*family{}, samples: map[string]*family{}, limit: limit}
}

// conflict says how a worker's family disagrees with the merged one.
type conflict string

const (
	conflictType   conflict = "type"   // another type under the same name: the first stands
	conflictName   conflict = "name"   // its samples' names belong to another family: the first stands
	conflictHelp   conflict = "help"   // another help text: the first stands
	conflictBounds conflict = "bounds" // other histogram bounds: merged on those that are shared
)

// family returns the merged family that f belongs to, making it if need be, or nil and the reason.
func (l *ledger) family(f *reading.Family) (*family, conflict) {
	have := l.families[f.Name]
	if have == nil {
		names := sampleNames(f)
		for _, n := range names {
			if l.samples[n] != nil {
				return nil, conflictName
			}
		}
		have = &family{name: f.Name, help: f.Help, unit: f.Unit, kind: f.Kind, totals: map[string]*total{}}
		for _, n := range names {
			l.samples[n] = have
		}
		l.families[f.Name] = have
		l.sorted = nil
		return have, ""
	}
	switch {
	case have.kind != f.Kind:
		return nil, conflictType
	case have.help != f.Help:
		return have, conflictHelp
	}
	return have, ""
}

func sampleNames(f *reading.Family) []string {
	switch f.Kind {
	case reading.Histogram:
		return []string{f.Name, f.Name + "_bucket", f.Name + "_sum", f.Name + "_count"}
	case reading.Summary:
		return []string{f.Name, f.Name + "_sum", f.Name + "_count"}
	}
	return []string{f.Name}
}

// release is told that a generation no longer exposes f.
func (l *ledger) release(f *family) {
	f.holders--
	if f.kind.Cumulative() || f.holders > 0 {
		return
	}
	delete(l.families, f.name)
	delete(l.samples, f.name)
	l.sorted = nil
}

// total returns the merged series of those labels, or nil if the limit of retained series is reached.
func (l *ledger) total(f *family, key []byte, labels []*dto.LabelPair) *total {
	if t := f.totals[string(key)]; t != nil {
		return t
	}
	if l.series >= l.limit {
		return nil
	}
	l.series++
	t := &total{key: string(key), labels: labels}
	f.totals[t.key] = t
	f.sorted = nil
	return t
}

func (l *ledger) inOrder() []*family {
	if l.sorted == nil {
		l.sorted = make([]*family, 0, len(l.families))
		for _, f := range l.families {
			l.sorted = append(l.sorted, f)
		}
		slices.SortFunc(l.sorted, func(a, b *family) int { return cmp.Compare(a.name, b.name) })
	}
	return l.sorted
}

func (f *family) inOrder() []*total {
	if f.sorted == nil {
		f.sorted = make([]*total, 0, len(f.totals))
		for _, t := range f.totals {
			f.sorted = append(f.sorted, t)
		}
		slices.SortFunc(f.sorted, func(a, b *total) int { return strings.Compare(a.key, b.key) })
	}
	return f.sorted
}

// add adds what a series counted between two readings; before is nil when it counts from zero. It reports whether the
// bounds agree.
func (t *total) add(before, now *reading.Series) (sameBounds bool) {
	var zero reading.Series
	if before == nil {
		before = &zero
		t.keepCreated(now.Created)
	}
	t.value.Add(now.Value)
	t.value.Add(-before.Value)
	t.sum.Add(now.Sum)
	t.sum.Add(-before.Sum)
	sameBuckets := t.addBuckets(before.Histogram, now.Histogram)
	sameBounds = t.addNative(before.Native, now) && sameBuckets
	t.count = saturatingAdd(t.count, now.Count-before.Count)
	t.began = true
	return sameBounds
}

// keepCreated keeps the oldest start: what was counted since is in the total. Whoever tells none may have begun before any
// other, so a total that begins with such a worker has no start.
func (t *total) keepCreated(created *timestamppb.Timestamp) {
	if created != nil && (!t.began || t.created != nil && created.AsTime().Before(t.created.AsTime())) {
		t.created = created
	}
}

func saturatingAdd(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// export lists the merged families as one reading: totals, and the gauges of the living. The result shares nothing that
// changes later.
func (l *ledger) export(living []*generation, gauges gaugePolicy) []reading.Family {
	out := make([]reading.Family, 0, len(l.families))
	for _, f := range l.inOrder() {
		e := reading.Family{Name: f.name, Help: f.help, Unit: f.unit, Kind: f.kind}
		if f.kind.Cumulative() {
			e.Series = make([]reading.Series, 0, len(f.totals))
			for _, t := range f.inOrder() {
				if t.began {
					e.Series = append(e.Series, t.export())
				}
			}
		} else {
			e.Series = exportGauge(f, living, gauges.mode(f.name))
		}
		if len(e.Series) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func (t *total) export() reading.Series {
	s := reading.Series{
		Labels: t.labels, Created: t.created, Value: t.value.Value(), Exemplar: t.exemplar, Count: t.count, Sum: t.sum.Value(),
	}
	if t.buckets != nil {
		s.Histogram = &reading.Buckets{Bounds: t.buckets.Bounds, Counts: slices.Clone(t.buckets.Counts), Exemplars: slices.Clone(t.buckets.Exemplars)}
	}
	if t.native != nil {
		s.Native = t.native.Copy()
		s.Exemplars = slices.Clone(t.exemplars)
	}
	return s
}

func exportGauge(f *family, living []*generation, mode GaugeMode) []reading.Series {
	type slot struct {
		combined
		key    string
		labels []*dto.LabelPair
	}
	slots := map[string]*slot{}
	for _, g := range living {
		h := g.holdings[f.name]
		if h == nil || h.family != f {
			continue
		}
		for key, s := range h.series {
			if s.round != g.round {
				continue
			}
			labels := s.last.Labels
			if mode == GaugeAll {
				labels, key = withPid(labels, g.pidLabel())
			}
			at := slots[key]
			if at == nil {
				at = &slot{key: key, labels: labels}
				slots[key] = at
			}
			at.take(mode, s.last.Value, s.changed)
		}
	}
	sorted := make([]*slot, 0, len(slots))
	for _, s := range slots {
		sorted = append(sorted, s)
	}
	slices.SortFunc(sorted, func(a, b *slot) int { return strings.Compare(a.key, b.key) })
	out := make([]reading.Series, len(sorted))
	for i, s := range sorted {
		out[i] = reading.Series{Labels: s.labels, Value: s.value}
	}
	return out
}

// withPid adds the label that keeps workers apart, unless the series has one: its own pid, or that of a merge before.
func withPid(labels []*dto.LabelPair, pid string) ([]*dto.LabelPair, string) {
	i, has := slices.BinarySearchFunc(labels, "pid", func(p *dto.LabelPair, name string) int { return strings.Compare(p.GetName(), name) })
	if !has {
		name := "pid"
		labels = slices.Insert(slices.Clone(labels), i, &dto.LabelPair{Name: &name, Value: &pid})
	}
	return labels, string(reading.AppendKey(nil, labels))
}
