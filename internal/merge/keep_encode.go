package merge

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/truecount/truecount/internal/merge/exact"
	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/internal/merge/state/wire"
)

// The payload of a state file, in the terms of package wire; keep_decode.go reads it. Gauges are not in it: they are of
// workers that are read, and a restarted merge reads them.
//
//	version, whether a worker has been read
//	families:    name, help, unit, kind, totals
//	totals:      labels, exact value or sum, series
//	generations: id, worker, pid, start, flags, time said, holdings; those that had ended first, in that order
//	holdings:    index of the family, held
//	held:        index of the total, flags, series
//	forgotten:   ids, oldest first
//	series:      flags for what follows; value, or count and sum; created, exemplar, buckets, native histogram and its exemplars
const payloadVersion = 1

// Flags of a generation.
const (
	genDrained = 1 << iota
	genLiving  // when it was saved
	genSaid    // the time said follows
)

// Flags of a series.
const (
	hasCreated = 1 << iota
	hasExemplar
	hasBuckets
	hasOwnBounds // else they are the total's
	hasNative
	hasLast // of a held series: the last reading had it
)

// appendPayload appends what a Merger needs to go on in another process. The caller has the Merger's lock.
func (m *Merger) appendPayload(b []byte) []byte {
	b = append(b, payloadVersion, oneIf(m.hasRead))
	families := slices.DeleteFunc(slices.Clone(m.ledger.inOrder()), func(f *family) bool { return !f.kind.Cumulative() })
	b = binary.AppendUvarint(b, uint64(len(families)))
	for i, f := range families {
		f.index = i
		b = appendFamily(b, f)
	}
	living := make([]*generation, 0, len(m.living))
	for _, r := range m.living {
		living = append(living, r.gen)
	}
	slices.SortFunc(living, func(a, b *generation) int { return cmp.Compare(a.id, b.id) })
	b = binary.AppendUvarint(b, uint64(len(m.departed.order)+len(living)))
	for _, id := range m.departed.order {
		g := m.departed.detailed[id]
		b = appendGeneration(b, g, g.resumed) // it still waits for its first reading since the last restart
	}
	for _, g := range living {
		b = appendGeneration(b, g, true)
	}
	forgotten := m.departed.forgottenInOrder()
	b = binary.AppendUvarint(b, uint64(len(forgotten)))
	for _, id := range forgotten {
		b = wire.AppendString(b, id)
	}
	return b
}

func oneIf(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

func appendFamily(b []byte, f *family) []byte {
	b = wire.AppendString(b, f.name)
	b = wire.AppendString(b, f.help)
	b = wire.AppendString(b, f.unit)
	b = append(b, byte(f.kind))
	b = binary.AppendUvarint(b, uint64(len(f.totals)))
	for i, t := range f.inOrder() {
		t.index = i
		b = appendLabels(b, t.labels)
		sum := &t.sum
		if f.kind == reading.Counter {
			sum = &t.value
		}
		b = appendSum(b, sum)
		s := reading.Series{
			Exemplar: t.exemplar, Count: t.count, Histogram: t.buckets, Native: t.native, Exemplars: t.exemplars, Created: t.created,
		}
		b = appendSeries(b, f.kind, &s, nil, 0)
	}
	return b
}

func appendSum(b []byte, e *exact.Sum) []byte {
	partials := e.Partials()
	b = binary.AppendUvarint(b, uint64(len(partials)))
	for _, p := range partials {
		b = wire.AppendFloat(b, p)
	}
	return b
}

func appendGeneration(b []byte, g *generation, living bool) []byte {
	b = wire.AppendString(b, g.id)
	b = wire.AppendString(b, g.worker)
	b = binary.AppendUvarint(b, uint64(g.pid))
	b = wire.AppendFloat(b, g.start)
	said := !g.saidAt.IsZero()
	b = append(b, oneIf(g.drained)*genDrained|oneIf(living)*genLiving|oneIf(said)*genSaid)
	if said {
		b = binary.AppendVarint(b, g.saidAt.Unix()) // it is in whole seconds
	}
	n := 0
	for _, h := range g.holdings {
		if h.counts() {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	for _, h := range g.holdings {
		if !h.counts() {
			continue
		}
		b = binary.AppendUvarint(b, uint64(h.family.index))
		b = binary.AppendUvarint(b, uint64(len(h.series)))
		for _, s := range h.series {
			b = binary.AppendUvarint(b, uint64(s.total.index))
			b = appendSeries(b, h.family.kind, &s.last, s.total.buckets, oneIf(s.round == g.round)*hasLast)
		}
	}
	return b
}

// counts tells whether the holding has a part in totals.
func (h *holding) counts() bool { return h.family != nil && h.family.kind.Cumulative() }

// appendSeries appends all of a series but its labels. Bounds that are those of the total's buckets are not repeated.
func appendSeries(b []byte, kind reading.Kind, s *reading.Series, total *reading.Buckets, flags byte) []byte {
	ownBounds := s.Histogram != nil && (total == nil || !slices.Equal(total.Bounds, s.Histogram.Bounds))
	b = append(b, flags|oneIf(s.Created != nil)*hasCreated|oneIf(s.Exemplar != nil)*hasExemplar|oneIf(s.Histogram != nil)*hasBuckets|
		oneIf(ownBounds)*hasOwnBounds|oneIf(s.Native != nil)*hasNative)
	if kind == reading.Counter {
		b = wire.AppendFloat(b, s.Value)
	} else {
		b = binary.AppendUvarint(b, s.Count)
		b = wire.AppendFloat(b, s.Sum)
	}
	if s.Created != nil {
		b = appendTime(b, s.Created)
	}
	if s.Exemplar != nil {
		b = appendExemplar(b, s.Exemplar)
	}
	if s.Histogram != nil {
		b = appendBuckets(b, s.Histogram, ownBounds)
	}
	if s.Native != nil {
		b = appendNative(b, s.Native)
		b = binary.AppendUvarint(b, uint64(len(s.Exemplars)))
		for _, e := range s.Exemplars {
			b = appendExemplar(b, e)
		}
	}
	return b
}

func appendBuckets(b []byte, h *reading.Buckets, ownBounds bool) []byte {
	if ownBounds {
		b = binary.AppendUvarint(b, uint64(len(h.Bounds)))
		for _, bound := range h.Bounds {
			b = wire.AppendFloat(b, bound)
		}
	}
	n := 0
	for i, c := range h.Counts {
		b = binary.AppendUvarint(b, c)
		if h.Exemplars[i] != nil {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	for i, e := range h.Exemplars {
		if e != nil {
			b = binary.AppendUvarint(b, uint64(i))
			b = appendExemplar(b, e)
		}
	}
	return b
}

func appendNative(b []byte, h *histogram.FloatHistogram) []byte {
	b = binary.AppendVarint(b, int64(h.Schema))
	b = wire.AppendFloat(b, h.ZeroThreshold)
	b = appendWhole(b, h.ZeroCount)
	b = appendWhole(b, h.Count)
	b = appendSide(b, h.PositiveSpans, h.PositiveBuckets)
	return appendSide(b, h.NegativeSpans, h.NegativeBuckets)
}

func appendSide(b []byte, spans []histogram.Span, buckets []float64) []byte {
	b = binary.AppendUvarint(b, uint64(len(spans)))
	for _, s := range spans {
		b = binary.AppendVarint(b, int64(s.Offset))
		b = binary.AppendUvarint(b, uint64(s.Length))
	}
	b = binary.AppendUvarint(b, uint64(len(buckets)))
	for _, c := range buckets {
		b = appendWhole(b, c)
	}
	return b
}

// appendWhole appends a count that arithmetic is done on in floating point.
func appendWhole(b []byte, x float64) []byte {
	if x >= 1<<64 {
		return binary.AppendUvarint(b, math.MaxUint64)
	}
	return binary.AppendUvarint(b, uint64(x))
}

func appendLabels(b []byte, labels []*dto.LabelPair) []byte {
	b = binary.AppendUvarint(b, uint64(len(labels)))
	for _, l := range labels {
		b = wire.AppendString(b, l.GetName())
		b = wire.AppendString(b, l.GetValue())
	}
	return b
}

func appendTime(b []byte, t *timestamppb.Timestamp) []byte {
	b = binary.AppendVarint(b, t.Seconds)
	return binary.AppendUvarint(b, uint64(t.Nanos))
}

func appendExemplar(b []byte, e *dto.Exemplar) []byte {
	b = appendLabels(b, e.Label)
	b = wire.AppendFloat(b, e.GetValue())
	b = append(b, oneIf(e.Timestamp != nil))
	if e.Timestamp != nil {
		b = appendTime(b, e.Timestamp)
	}
	return b
}
