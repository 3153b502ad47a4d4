package pydir

import (
	"math"
	"slices"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/reading"
)

// takeIn brings the totals up to date with what the scans found. It reports whether anything changed.
func (m *Merger) takeIn() bool {
	changed := false
	m.readAhead()
	for _, f := range m.files {
		if !f.sealed && m.takeInFile(f) {
			changed = true
		}
		if f.gone {
			m.retire(f)
			f.close()
			m.metrics.events.WithLabelValues(eventGone).Inc()
			changed = true
		} else if f.final() && !f.sealed && f.bad == "" {
			changed = m.seal(f) || changed
		}
	}
	m.files = slices.DeleteFunc(m.files, func(f *file) bool { return f.gone || f.sealed && f.retired && f.kind != reading.Gauge })
	if s := m.scanners[0]; cap(s.large) > keptBuffer || m.ahead.read != nil {
		s.large, m.found, m.ahead = nil, nil, ahead{}
	}
	return changed
}

// takeInFile takes in one scan.
func (m *Merger) takeInFile(f *file) (changed bool) {
	found := f.found
	f.found = scanned{}
	err := found.err
	switch {
	case err != nil:
	case found.used < f.used:
		changed, err = m.shrunk(f, found.used)
	case f.grew(found.used):
		changed, err = m.grown(f, found.used)
	}
	if err != nil {
		return m.leave(f, err) || changed
	}
	m.meet(f)
	if f.bad != "" {
		m.log.Info("file is read again", "file", f.base)
		f.bad = ""
		m.touchGauges(f)
		changed = true
	}
	for _, c := range found.changes {
		if m.change(f, c) {
			changed = true
		}
	}
	return changed
}

// retryAfter is how many readings pass before something large that could not be parsed is read again.
const retryAfter = 40

// grown takes in what a file has more than before.
func (m *Merger) grown(f *file, used int) (changed bool, err error) {
	if m.refuses(f, used) {
		return false, f.refusal
	}
	f.refusal = m.grow(f, used)
	f.retryAt = m.round + retryAfter
	return f.refusal == nil, f.refusal
}

// leave passes over a file: its last good counts stand, its gauges leave.
func (m *Merger) leave(f *file, err error) (changed bool) {
	r := reasonOf(err)
	if r == reasonCorrupt && f.used == 0 {
		r = reasonForeign
	}
	if f.bad == r {
		return false
	}
	m.left(f.base, r, err)
	f.bad = r
	m.touchGauges(f)
	return true
}

// left says that something of the directory is passed over, in the log and in the metrics.
func (m *Merger) left(base string, r reason, err error) {
	m.metrics.filesSkipped.WithLabelValues(string(r)).Inc()
	m.log.Warn("file is left out: what it counted before stands", "file", base, "reason", string(r), "err", err)
}

// change takes in a value that is not what it was. It reports whether a merged number has changed.
func (m *Merger) change(f *file, c change) bool {
	s := f.slots[c.entry]
	if s == nil {
		f.values[c.entry] = c.value
		return false
	}
	now, before := math.Float64frombits(c.value), math.Float64frombits(f.values[c.entry])
	if s.child.family.kind == reading.Gauge {
		f.values[c.entry] = c.value
		if f.stamps != nil {
			f.stamps[c.entry] = c.stamp
		}
		s.child.changed = true
		return true
	}
	if r := refused(s, before, now); r != "" {
		m.isHeld(f, c.entry, r)
		return false
	}
	delete(f.held, c.entry)
	s.total.Add(now)
	s.total.Add(-before)
	f.values[c.entry] = c.value
	s.child.changed = true
	return true
}

// isHeld notes that a count stands at its last good value, for a reason that is counted once.
func (m *Merger) isHeld(f *file, entry int, why reading.Reason) {
	if f.held[entry] {
		return
	}
	if f.held == nil {
		f.held = map[int]bool{}
	}
	f.held[entry] = true
	m.metrics.Skipped.WithLabelValues(string(why)).Inc()
}

// hold puts a count back to where it was.
func (m *Merger) hold(f *file, entry int, before float64) {
	s := f.slots[entry]
	s.total.Add(before)
	s.total.Add(-math.Float64frombits(f.values[entry]))
	s.child.changed = true
	f.values[entry] = math.Float64bits(before)
	m.isHeld(f, entry, skippedFell)
}

// skippedFell is a reason beside those of [reading.Reason]: a count is lower than it was, which only damage explains.
const skippedFell reading.Reason = "value_fell"

// refused says why a count can't follow the one before, or "". The one before then stands.
func refused(s *slot, before, now float64) reading.Reason {
	switch {
	case math.IsNaN(now) || math.IsInf(now, 0) || s.monotone() && now < 0:
		return reading.InvalidValue
	case s.monotone() && now < before:
		return skippedFell
	}
	return ""
}

// refuses tells whether a file that could not be parsed is not read again yet.
func (m *Merger) refuses(f *file, used int) bool {
	return f.refusal != nil && m.round < f.retryAt && used-f.used > keptBuffer
}

// grow takes in the entries that a file has more than before, all of them or none.
func (m *Merger) grow(f *file, used int) error {
	more := m.next(f, used)
	defer more.done()
	if more.err != nil {
		return more.err
	}
	room := m.room(f)
	if l := more.layout; l != nil {
		f.tail, f.used, f.values = l.tail, used, more.values
		f.has(l)
		for i, v := range f.values {
			m.count(f, i, v)
		}
		m.tellOver(f, max(0, len(l.slots)-room))
		return nil
	}
	over := 0
	m.table.begin()
	m.table.expect(f.class, min(more.pattern.entries, room))
	found := slices.Grow(m.found[:0], more.pattern.entries)
	err := walk(more.data, more.tail, maxKey, func(key []byte, value, stamp uint64) error {
		if len(found) >= room {
			found = append(found, foundEntry{beyondLimit, len(key), value, stamp})
			over++
			return nil
		}
		k, err := m.table.find(f.class, key)
		if err != nil {
			return err
		}
		found = append(found, foundEntry{k, len(key), value, stamp})
		return nil
	})
	m.found = found
	if err != nil {
		return leftOut(reasonCorrupt, "%w", err)
	}
	m.tellOver(f, over)
	f.tail, f.used = more.tail, used
	f.lengths = slices.Grow(f.lengths, len(found))
	f.slots, f.values = slices.Grow(f.slots, len(found)), slices.Grow(f.values, len(found))
	for _, e := range found {
		m.add(f, e)
	}
	if f.kind != reading.Gauge { // of which some have numbers of their own worker
		more.pattern.layout = m.share(f)
	}
	return nil
}

// beyondLimit is the key of an entry that is not looked at.
var beyondLimit = &known{}

// room is how many more entries of a file are taken in. As for workers that answer, a series is one entry, and the buckets
// of histograms weigh a tenth of one.
func (m *Merger) room(f *file) int {
	limit := m.options.Limits.Worker.Series
	if f.kind == reading.Histogram {
		limit *= 10
	}
	return max(0, limit-len(f.lengths))
}

// tellOver says how many entries of a file are beyond the limit.
func (m *Merger) tellOver(f *file, over int) {
	if over > 0 {
		m.metrics.Skipped.WithLabelValues(string(reading.SeriesLimit)).Add(float64(over))
		m.log.Warn("series are left out: a file has more than the limit", "file", f.base, "series", over)
	}
}

// foundEntry is an entry that a file has more than before.
type foundEntry struct {
	known        *known
	length       int
	value, stamp uint64
}

// add takes in an entry that is new.
func (m *Merger) add(f *file, e foundEntry) {
	s, at := e.known.slot, len(f.slots)
	if s != nil && s.child.family.mode == merge.GaugeAll {
		s = m.table.ofWorker(s, f.worker)
	}
	f.lengths, f.slots, f.values = append(f.lengths, uint32(e.length)), append(f.slots, s), append(f.values, e.value)
	if f.mode == merge.GaugeMostRecent {
		f.stamps = append(f.stamps, e.stamp)
	}
	if s != nil && s.child.family.kind == reading.Gauge {
		s.parts = append(s.parts, part{f, at})
		s.child.changed = true
		return
	}
	m.count(f, at, e.value)
}

// count takes in the first value of a count.
func (m *Merger) count(f *file, at int, value uint64) {
	s := f.slots[at]
	if s == nil {
		return
	}
	f.values[at] = 0
	m.change(f, change{entry: at, value: value})
	s.child.counted, s.child.changed = true, true
	if s.role == roleBucket {
		f.pending.add(m.table, s)
	}
}

// shrunk looks at a file of which less is in use than before. If it was begun anew, with counts that are lower, what it
// counted is kept and it counts from zero; else this is damage.
func (m *Merger) shrunk(f *file, used int) (changed bool, err error) {
	data, err := f.read(headerSize, used, m.scanners[0].large)
	m.scanners[0].large = data
	if err != nil {
		return false, err
	}
	anew, at := f.kind == reading.Gauge, 0 // gauges have nothing to lose
	if used > headerSize {
		tail, err := tailOf(data, maxKey)
		if err != nil {
			return false, leftOut(reasonCorrupt, "%w", err)
		}
		m.table.begin()
		err = walk(data, tail, maxKey, func(key []byte, value, _ uint64) error {
			k, err := m.table.find(f.class, key)
			if err != nil {
				return err
			}
			if at >= len(f.slots) || f.lengths[at] != uint32(len(key)) ||
				k.slot != nil && k.slot.monotone() && f.slots[at] != nil && (f.slots[at] != k.slot || math.Float64frombits(value) < math.Float64frombits(f.values[at])) {
				anew = true
			}
			at++
			return nil
		})
		if err != nil {
			return false, leftOut(reasonCorrupt, "%w", err)
		}
	}
	if !anew {
		return false, leftOut(reasonCorrupt, "%d bytes are in use, and %d were before", used, f.used)
	}
	m.log.Info("file was begun anew: what it counted before is kept", "file", f.base)
	m.metrics.events.WithLabelValues(eventRestarted).Inc()
	m.retire(f)
	return true, m.grow(f, used)
}

// retire keeps what a file counted and takes its gauges out. The file then knows of no entries.
func (m *Merger) retire(f *file) {
	m.keeper.urgent = true
	for i, s := range f.slots {
		switch {
		case s == nil:
		case s.child.family.kind == reading.Gauge:
			m.table.without(s, f)
		default:
			s.retired.Add(math.Float64frombits(f.values[i]))
		}
	}
	f.tail, f.used, f.lengths, f.slots, f.values, f.stamps, f.held = 0, 0, nil, nil, nil, nil, nil
	f.pending = pending{}
}

// seal ends the reading of a file whose process is dead. Counts of one that no process can continue go to the totals;
// gauges stay in memory as long as the file is there, unless they are of living workers only. It reports whether that is
// new: a file that was only verified is sealed again.
func (m *Merger) seal(f *file) bool {
	f.sealed = true
	f.close()
	if f.verified {
		f.verified = false
		return false
	}
	switch {
	case f.kind == reading.Gauge && f.live:
		m.retire(f)
	case f.kind != reading.Gauge && f.retired:
		m.retire(f)
		m.folded[f.base] = f.id
	}
	m.metrics.events.WithLabelValues(eventSealed).Inc()
	return true
}

func (f *file) close() {
	if f.fd != nil {
		_ = f.fd.Close()
		f.fd = nil
	}
}

// touchGauges has the gauges of a file put together anew.
func (m *Merger) touchGauges(f *file) {
	if f.kind != reading.Gauge {
		return
	}
	for _, s := range f.slots {
		if s != nil {
			s.child.changed = true
		}
	}
}
