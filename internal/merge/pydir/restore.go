package pydir

import (
	"errors"
	"io/fs"
	"math"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/internal/merge/state"
	"github.com/truecount/truecount/internal/merge/state/wire"
)

// ghost is a file as the state file has it, until the file itself is seen or found to be gone. Its counts are in the
// totals.
type ghost struct {
	slots  []*slot
	values []uint64
}

// openState takes the state file and what it has.
func (m *Merger) openState(path string) error {
	file, err := state.Open(path, stateKind)
	if err != nil {
		return err
	}
	m.keeper.file = file
	payload, err := file.Load()
	if err == nil {
		if err = m.restore(payload); err != nil {
			m.forget()
			err = file.Refuse(err)
		}
	}
	damaged := (*state.DamagedError)(nil)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &damaged):
		m.metrics.State.Errors.Inc()
		m.log.Warn("the state file can't be used: counts begin again with what the files have", "err", err)
		return nil
	}
	_ = file.Close()
	return err
}

// forget goes back to the beginning.
func (m *Merger) forget() {
	m.table = newTable(m.options, m.table.conflict, m.table.skip)
	clear(m.folded)
	clear(m.ghosts)
}

// restore takes in a payload. After an error what was taken in must be forgotten.
func (m *Merger) restore(payload []byte) error {
	r := &payloadReader{Reader: wire.NewReader(payload), m: m}
	if v := r.Byte(); r.Err() == nil && v != stateVersion {
		return r.Fail("version %d is not known here", v)
	}
	for range r.Count(4) {
		r.family()
	}
	for range r.Count(4) {
		base, id := r.String(), r.identity()
		m.folded[base] = id
	}
	for range r.Count(4) {
		id, g := r.identity(), &ghost{}
		if m.ghosts[id] != nil {
			return r.Fail("a file is there twice")
		}
		r.counts(g)
		m.ghosts[id] = g
	}
	return r.Done()
}

// payloadReader reads a payload. It is strict: what can't be made by encode is an error.
type payloadReader struct {
	*wire.Reader
	m     *Merger
	slots []*slot
}

func (r *payloadReader) family() {
	kind := reading.Kind(r.Byte())
	name, help := r.String(), r.String()
	if r.Err() != nil {
		return
	}
	if !kind.Cumulative() || !r.m.table.limits.CheckName(name) {
		r.Fail("metric %q is none that counts", name)
		return
	}
	f := r.m.table.family(class{kind: kind}, name, r.m.table.limits.CleanHelp(help))
	if f == nil || len(f.children) > 0 {
		r.Fail("metric %q is there twice", name)
		return
	}
	for range r.Count(3) {
		if r.child(f); r.Err() != nil {
			return
		}
	}
}

func (r *payloadReader) child(f *family) {
	t := r.m.table
	labels := make([]*dto.LabelPair, r.Count(2))
	for i := range labels {
		name, value := r.String(), r.String()
		labels[i] = &dto.LabelPair{Name: &name, Value: &value}
	}
	if reason := t.limits.CheckLabels(f.kind, labels); reason != "" {
		r.Fail("labels of metric %q: %s", f.name, reason)
		return
	}
	t.quoted = t.quoted || !legacyLabels(labels)
	c := f.child(labels)
	c.counted, c.changed = true, true
	c.holders = int(r.Uvarint())
	for range r.Count(2) {
		if r.slot(c); r.Err() != nil {
			return
		}
	}
	if f.kind == reading.Counter && c.value == nil {
		r.Fail("metric %q has a series without a value", f.name)
	}
}

func (r *payloadReader) slot(c *child) {
	t, kind := r.m.table, c.family.kind
	roleOf, le, bound := role(r.Byte()), "", 0.0
	switch {
	case kind == reading.Counter && roleOf == roleValue, kind == reading.Summary && (roleOf == roleSum || roleOf == roleCount), kind == reading.Histogram && roleOf == roleSum:
	case kind == reading.Histogram && roleOf == roleBucket:
		le = r.String()
		var ok bool
		if bound, ok = parseBound(le); !ok {
			r.Fail("%q is no bound of a histogram", le)
			return
		}
	default:
		r.Fail("a number of kind %d in a %s", roleOf, kind)
		return
	}
	before := t.slots
	s := t.part(c, roleOf, bound, le)
	if t.slots == before {
		r.Fail("metric %q has a number twice", c.family.name)
		return
	} // what was retained under a higher limit stays
	if roleOf == roleBucket {
		s.holders = int(r.Uvarint())
	}
	n := r.Count(8)
	for range n {
		p := r.Float()
		if math.IsNaN(p) || math.IsInf(p, 0) && n > 1 {
			r.Fail("a sum that is no number")
			return
		}
		s.retired.Restore(p)
		s.total.Restore(p)
	}
	r.slots = append(r.slots, s)
}

func (r *payloadReader) identity() identity {
	return identity{device: r.Uvarint(), inode: r.Uvarint(), born: r.Varint()}
}

// counts reads what a file had counted, and adds it.
func (r *payloadReader) counts(g *ghost) {
	n, at := r.Count(2), 0
	for range n {
		at += int(r.Varint())
		if r.Err() != nil {
			return
		}
		if at < 0 || at >= len(r.slots) {
			r.Fail("a number that is not there")
			return
		}
		v := r.number()
		s := r.slots[at]
		if refused(s, 0, v) != "" {
			r.Fail("a count that is none")
			return
		}
		s.total.Add(v)
		g.slots, g.values = append(g.slots, s), append(g.values, math.Float64bits(v))
	}
}

func (r *payloadReader) number() float64 {
	x := r.Uvarint()
	if x&1 == 0 {
		return float64(x >> 1)
	}
	if x != 1 {
		r.Fail("a number of unknown kind")
	}
	return r.Float()
}

// meet is told that a file was read for the first time. If it is the one that the state file tells of, what it had counted
// then is no longer added to what it has now; unless it was begun anew since.
func (m *Merger) meet(f *file) {
	g := m.ghosts[f.id]
	if g == nil {
		return
	}
	delete(m.ghosts, f.id)
	fallen, anew := g.compare(f)
	if anew {
		g.stays()
		return
	}
	for i, s := range g.slots {
		s.total.Add(-math.Float64frombits(g.values[i]))
		s.child.changed = true
	}
	for entry, before := range fallen {
		m.hold(f, entry, before)
	}
}

// compare tells which counts of a file, by entry, are lower than they were, and what they were; and whether the file was begun
// anew: something counted has no entry any more, or nothing counted is as high as it was. Where only some are lower these have
// fallen as they do while somebody looks, and are held.
func (g *ghost) compare(f *file) (fallen map[int]float64, anew bool) {
	entries := make(map[*slot]int, len(f.slots))
	for i, s := range f.slots {
		if s != nil {
			entries[s] = i
		}
	}
	fallen = map[int]float64{}
	stand := false
	for i, s := range g.slots {
		if !s.monotone() {
			continue
		}
		entry, has := entries[s]
		if !has {
			return nil, true
		}
		if before := math.Float64frombits(g.values[i]); math.Float64frombits(f.values[entry]) < before {
			fallen[entry] = before
		} else {
			stand = true
		}
	}
	return fallen, len(fallen) > 0 && !stand
}

// stays makes what a file had counted part of the totals for good.
func (g *ghost) stays() {
	for i, s := range g.slots {
		s.retired.Add(math.Float64frombits(g.values[i]))
	}
}

// dispel keeps what a file had counted that is no longer there.
func (m *Merger) dispel(id identity, g *ghost) {
	g.stays()
	delete(m.ghosts, id)
}
