package merge

import (
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/truecount/truecount/internal/merge/exact"
	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/internal/merge/state/wire"
)

// restored is what a payload says.
type restored struct {
	hasRead  bool
	ledger   *ledger
	departed *departed
}

// savedLimits are looser than any that a Merger reads workers with: what was taken in once stays.
var savedLimits = reading.Limits{Labels: 1 << 10, NameBytes: 1 << 14, ValueBytes: 1 << 20}

// payloadReader reads what keep_encode.go wrote. It demands of every value what a worker's reading guarantees, so that
// nothing that somebody else wrote gets into the arithmetic or the exposition.
type payloadReader struct {
	*wire.Reader
	restored
	families []*family
	totals   [][]*total // of the families
	names    map[string]string
}

// decodePayload reads a whole payload, or fails.
func decodePayload(payload []byte, l Limits) (*restored, error) {
	r := &payloadReader{Reader: wire.NewReader(payload), names: map[string]string{}}
	r.ledger, r.departed = newLedger(math.MaxInt), newDeparted(l) // what was retained under a higher limit stays
	if v := r.Byte(); v != payloadVersion {
		return nil, r.Fail("its content is of version %d, and this program knows version %d", v, payloadVersion)
	}
	r.hasRead = r.yes()
	for range r.Count(5) {
		r.family()
	}
	for range r.Count(8) {
		r.generation()
	}
	for range r.Count(1) {
		r.departed.forget(r.String())
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	r.ledger.limit = l.Retained
	return &r.restored, nil
}

func (r *payloadReader) yes() bool { return r.Index(2) == 1 }

func (r *payloadReader) family() {
	f := reading.Family{Name: r.String(), Help: r.String(), Unit: r.String(), Kind: reading.Kind(r.Byte())}
	switch {
	case r.Err() != nil:
		return
	case !f.Kind.Cumulative(), !savedLimits.CheckName(f.Name), f.Help != reading.Limits{HelpBytes: len(f.Help)}.CleanHelp(f.Help),
		f.Unit != "" && !savedLimits.CheckUnit(f.Name, f.Unit):
		r.Fail("metric %q can't be exposed", f.Name)
		return
	case r.ledger.families[f.Name] != nil:
		r.Fail("metric %q is there twice", f.Name)
		return
	}
	have, conflict := r.ledger.family(&f)
	if conflict != "" {
		r.Fail("metric %q collides with another", f.Name)
		return
	}
	totals := make([]*total, 0)
	var key []byte
	for range r.Count(10) {
		labels := r.labels()
		if r.Err() == nil && savedLimits.CheckLabels(f.Kind, labels) != "" {
			r.Fail("metric %q: its labels can't be exposed", f.Name)
		}
		key = reading.AppendKey(key[:0], labels)
		if r.Err() == nil && have.totals[string(key)] != nil {
			r.Fail("metric %q: labels are there twice", f.Name)
		}
		if r.Err() != nil {
			return
		}
		t := r.ledger.total(have, key, labels)
		r.total(f.Kind, t)
		totals = append(totals, t)
	}
	r.families, r.totals = append(r.families, have), append(r.totals, totals)
}

func (r *payloadReader) total(kind reading.Kind, t *total) {
	sum := &t.sum
	if kind == reading.Counter {
		sum = &t.value
	}
	r.sum(sum)
	var s reading.Series
	if flags := r.series(kind, &s, nil); flags&hasLast != 0 || s.Value != 0 || s.Sum != 0 {
		r.Fail("a total that is none")
	}
	t.began, t.created, t.exemplar, t.count = true, s.Created, s.Exemplar, s.Count
	t.buckets, t.native, t.exemplars = s.Histogram, s.Native, s.Exemplars
}

func (r *payloadReader) sum(e *exact.Sum) {
	n := r.Count(8)
	for range n {
		p := r.Float()
		if math.IsNaN(p) || math.IsInf(p, 0) && n > 1 {
			r.Fail("a sum that is no number")
			return
		}
		e.Restore(p)
	}
}

func (r *payloadReader) generation() {
	id, worker, pid, start := r.String(), r.String(), int(r.Uvarint()), r.Float()
	flags := r.Byte()
	if r.Err() == nil && (id == "" || r.departed.detailed[id] != nil || pid < 0 || !(start >= 0) || math.IsInf(start, 0) || flags >= genSaid<<1) {
		r.Fail("worker %q is there twice or is none", id)
	}
	g := newGeneration(id, worker, pid, start)
	g.round, g.drained, g.resumed = 1, flags&genDrained != 0, flags&genLiving != 0
	if flags&genSaid != 0 {
		g.saidAt = time.Unix(r.Varint(), 0)
	}
	for range r.Count(2) {
		r.holding(g)
	}
	if r.Err() == nil {
		r.departed.restore(g)
	}
}

func (r *payloadReader) holding(g *generation) {
	i := r.Index(len(r.families))
	if r.Err() != nil {
		return
	}
	f := r.families[i]
	if g.holdings[f.name] != nil {
		r.Fail("worker %q has metric %q twice", g.id, f.name)
		return
	}
	h := &holding{family: f, series: map[string]*held{}, reported: map[conflict]bool{}}
	g.holdings[f.name] = h
	f.holders++
	for range r.Count(10) {
		j := r.Index(len(r.totals[i]))
		if r.Err() != nil {
			return
		}
		t := r.totals[i][j]
		if h.series[t.key] != nil {
			r.Fail("worker %q has a series of %q twice", g.id, f.name)
			return
		}
		s := &held{total: t}
		flags := r.series(f.kind, &s.last, t.buckets)
		s.last.Labels = t.labels
		if flags&hasLast != 0 {
			s.round = g.round
		}
		h.series[t.key] = s
		g.weight++
	}
}

// series reads all of a series but its labels, and returns its flags.
func (r *payloadReader) series(kind reading.Kind, s *reading.Series, total *reading.Buckets) byte {
	flags := r.Byte()
	if kind == reading.Counter {
		s.Value = r.finite()
		if s.Value < 0 {
			r.Fail("a counter below zero")
		}
	} else {
		s.Count, s.Sum = r.Uvarint(), r.finite()
	}
	if flags&hasCreated != 0 {
		s.Created = r.time()
	}
	if flags&hasExemplar != 0 {
		s.Exemplar = r.exemplar()
	}
	if flags >= hasLast<<1 || flags&(hasBuckets|hasNative) != 0 && kind != reading.Histogram || flags&hasOwnBounds != 0 && flags&hasBuckets == 0 {
		r.Fail("a series of kind %s that is none", kind)
	}
	if flags&hasBuckets != 0 {
		s.Histogram = r.buckets(flags&hasOwnBounds != 0, total)
	}
	if flags&hasNative != 0 {
		s.Native = r.native()
		for range r.Count(10) {
			s.Exemplars = append(s.Exemplars, r.exemplar())
		}
	}
	return flags
}

func (r *payloadReader) finite() float64 {
	x := r.Float()
	if math.IsNaN(x) || math.IsInf(x, 0) {
		r.Fail("a value that is no number")
		return 0
	}
	return x
}

func (r *payloadReader) buckets(ownBounds bool, total *reading.Buckets) *reading.Buckets {
	b := &reading.Buckets{}
	switch {
	case ownBounds:
		b.Bounds = make([]float64, r.Count(8))
		for i := range b.Bounds {
			b.Bounds[i] = r.Float()
		}
	case total == nil:
		r.Fail("buckets without bounds")
	default:
		b.Bounds = total.Bounds
	}
	if r.Err() != nil {
		return b
	}
	b.Counts, b.Exemplars = make([]uint64, len(b.Bounds)+1), make([]*dto.Exemplar, len(b.Bounds)+1)
	for i := range b.Counts {
		b.Counts[i] = r.Uvarint()
	}
	if !b.Valid() {
		r.Fail("bounds that are out of order")
	}
	for range r.Count(11) {
		i, e := r.Index(len(b.Exemplars)), r.exemplar()
		b.Exemplars[i] = e
	}
	return b
}

func (r *payloadReader) native() *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{
		Schema: r.int32(), ZeroThreshold: r.finite(), ZeroCount: float64(r.Uvarint()), Count: float64(r.Uvarint()),
	}
	h.PositiveSpans, h.PositiveBuckets = r.side()
	h.NegativeSpans, h.NegativeBuckets = r.side()
	if r.Err() == nil && !reading.SoundNative(h) {
		r.Fail("a native histogram that is none")
	}
	return h
}

func (r *payloadReader) side() ([]histogram.Span, []float64) {
	spans := make([]histogram.Span, r.Count(2))
	for i := range spans {
		spans[i] = histogram.Span{Offset: r.int32(), Length: uint32(r.Index(math.MaxInt32))}
	}
	counts := make([]float64, r.Count(1))
	for i := range counts {
		counts[i] = float64(r.Uvarint())
	}
	return spans, counts
}

func (r *payloadReader) int32() int32 {
	x := r.Varint()
	if x != int64(int32(x)) {
		r.Fail("%d is out of range", x)
		return 0
	}
	return int32(x)
}

func (r *payloadReader) labels() []*dto.LabelPair {
	n := r.Count(2)
	if n == 0 {
		return nil
	}
	labels := make([]*dto.LabelPair, n)
	for i := range labels {
		name, value := r.name(), r.String()
		labels[i] = &dto.LabelPair{Name: &name, Value: &value}
	}
	return labels
}

// name reads the name of a label, of which there are few.
func (r *payloadReader) name() string {
	b := r.Bytes()
	name, known := r.names[string(b)]
	if !known {
		name = string(b)
		r.names[name] = name
	}
	return name
}

func (r *payloadReader) time() *timestamppb.Timestamp {
	t := &timestamppb.Timestamp{Seconds: r.Varint(), Nanos: int32(r.Index(1e9))}
	if r.Err() == nil && !t.IsValid() {
		r.Fail("a time that is none")
	}
	return t
}

func (r *payloadReader) exemplar() *dto.Exemplar {
	labels, value := r.labels(), r.Float()
	e := &dto.Exemplar{Label: labels, Value: &value}
	if r.yes() {
		e.Timestamp = r.time()
	}
	if r.Err() == nil && reading.CheckExemplar(e) == nil {
		r.Fail("an exemplar that can't be exposed")
	}
	return e
}
