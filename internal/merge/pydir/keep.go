package pydir

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/internal/merge/state/wire"
)

// What outlives this process. The files of the directory outlive it themselves, so what is kept is what they no longer
// have, and, for each file, who it is and what it had counted: if it is deleted or begun anew while nobody looks, that much
// of it stands, and if it is still there, nothing of it is added twice.

// stateKind says in a state file whose it is.
const stateKind = "python directory"

// stateVersion is the first thing of the payload.
const stateVersion = 1

// saveEvery is how long what changed may stay unsaved.
const saveEvery = time.Second

// keeper saves the state.
type keeper struct {
	file    stateFile // nil if there is none
	payload []byte    // reused
	slots   int       // written so far
	version uint64    // of the Merger, as it was saved last
	saved   time.Time
	urgent  bool // something was retired since
	failing bool
}

// stateFile is what is needed of package state's File once it has been read.
type stateFile interface {
	Save(payload []byte) error
	Close() error
}

// lastSave is how long the end waits for the state to be saved: a disk may hang.
const lastSave = 3 * time.Second

// due tells whether it is time to save.
func (k *keeper) due(version uint64, now time.Time) bool {
	return k.file != nil && version != k.version && (k.urgent || now.Sub(k.saved) >= saveEvery || now.Before(k.saved))
}

// keep saves the state if it is time, or if it must be. It reports whether what is known now is on the disk.
func (m *Merger) keep(must bool) bool {
	m.keeping.Lock() // one save at a time, in order
	defer m.keeping.Unlock()
	m.mu.Lock()
	k := &m.keeper
	version := m.version.Load()
	if k.file == nil || version == k.version && !k.failing {
		m.mu.Unlock()
		return k.file != nil
	}
	if now := m.options.Now(); must || k.due(version, now) {
		k.saved, k.urgent = now, false
	} else {
		m.mu.Unlock()
		return false
	}
	m.encode()
	payload := k.payload
	m.mu.Unlock()

	err := k.file.Save(payload)

	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.metrics.State.Errors.Inc()
		m.metrics.State.Healthy.Set(0)
		if !k.failing {
			m.log.Warn("the state file can't be written: what is deleted from now on would be lost with this process", "err", err)
		}
		k.failing = true
		return false
	}
	if k.failing {
		m.log.Info("the state file is written again")
	}
	k.failing, k.version = false, version
	m.metrics.State.Healthy.Set(1)
	m.metrics.State.Saves.Inc()
	m.metrics.State.LastSave.Set(float64(m.options.Now().UnixMilli()) / 1000)
	m.metrics.State.Bytes.Set(float64(len(payload)))
	return true
}

// end saves the state and lets go of its file, if the disk lets it in time.
func (m *Merger) end() {
	ended := make(chan struct{})
	go func() { // as long as the disk hangs
		defer close(ended)
		m.keep(true)
		m.keeping.Lock()
		defer m.keeping.Unlock()
		m.mu.Lock()
		file := m.keeper.file
		m.keeper.file = nil
		m.mu.Unlock()
		if file != nil {
			_ = file.Close()
		}
	}()
	late := time.NewTimer(m.lastSave)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		m.log.Warn("the end did not wait any longer for the state to be saved", "waited", m.lastSave)
	}
}

// encode writes the payload.
func (m *Merger) encode() {
	k := &m.keeper
	b := append(k.payload[:0], stateVersion)
	b = k.appendTable(b, m.table)
	b = k.appendFiles(b, m)
	k.payload = b
}

// appendTable writes the merged numbers, with what of them no file stands for.
func (k *keeper) appendTable(b []byte, t *table) []byte {
	k.slots = 0
	families := slices.DeleteFunc(slices.Clone(t.inOrder()), func(f *family) bool { return f.kind == reading.Gauge })
	b = binary.AppendUvarint(b, uint64(len(families)))
	for _, f := range families {
		b = append(b, byte(f.kind))
		b = wire.AppendString(b, f.name)
		b = wire.AppendString(b, f.help)
		children := f.inOrder()
		b = binary.AppendUvarint(b, uint64(len(children)))
		for _, c := range children {
			b = k.appendChild(b, c)
		}
	}
	return b
}

func (k *keeper) appendChild(b []byte, c *child) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.labels)))
	for _, l := range c.labels {
		b = wire.AppendString(wire.AppendString(b, l.GetName()), l.GetValue())
	}
	b = binary.AppendUvarint(b, uint64(c.holders))
	slots := c.slots()
	b = binary.AppendUvarint(b, uint64(len(slots)))
	for _, s := range slots {
		s.place = k.slots
		k.slots++
		b = append(b, byte(s.role))
		if s.role == roleBucket {
			b = wire.AppendString(b, s.le)
			b = binary.AppendUvarint(b, uint64(s.holders))
		}
		partials := s.retired.Partials()
		b = binary.AppendUvarint(b, uint64(len(partials)))
		for _, p := range partials {
			b = wire.AppendFloat(b, p)
		}
	}
	return b
}

// slots lists the numbers of a child.
func (c *child) slots() []*slot {
	out := make([]*slot, 0, len(c.buckets)+3)
	for _, s := range []*slot{c.value, c.sum, c.count} {
		if s != nil {
			out = append(out, s)
		}
	}
	return append(out, c.buckets...)
}

// appendFiles writes who the files are and what they had counted.
func (k *keeper) appendFiles(b []byte, m *Merger) []byte {
	b = binary.AppendUvarint(b, uint64(len(m.folded)))
	for base, id := range m.folded {
		b = appendIdentity(wire.AppendString(b, base), id)
	}
	counting := m.counting()
	b = binary.AppendUvarint(b, uint64(len(counting)+len(m.ghosts)))
	for _, f := range counting {
		b = appendIdentity(b, f.id)
		b = appendCounts(b, f.slots, f.values)
	}
	for id, g := range m.ghosts {
		b = appendIdentity(b, id)
		b = appendCounts(b, g.slots, g.values)
	}
	return b
}

// counting lists the files that count, but for those of which only the state file has told so far.
func (m *Merger) counting() []*file {
	out := make([]*file, 0, len(m.files))
	for _, f := range m.files {
		if f.kind != reading.Gauge && m.ghosts[f.id] == nil {
			out = append(out, f)
		}
	}
	return out
}

func appendIdentity(b []byte, id identity) []byte {
	b = binary.AppendUvarint(b, id.device)
	b = binary.AppendUvarint(b, id.inode)
	return binary.AppendVarint(b, id.born)
}

// appendCounts writes what a file counts: for each number how far it is from the one before in the payload, mostly 1, and
// its value. Numbers of 0 are left out.
func appendCounts(b []byte, slots []*slot, values []uint64) []byte {
	n := 0
	for i, s := range slots {
		if s != nil && values[i] != 0 {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	last := 0
	for i, s := range slots {
		if s == nil || values[i] == 0 {
			continue
		}
		at := s.place
		b = binary.AppendVarint(b, int64(at-last))
		last = at
		b = appendNumber(b, math.Float64frombits(values[i]))
	}
	return b
}

// appendNumber writes whole numbers short: twice the number, or 1 and eight bytes.
func appendNumber(b []byte, v float64) []byte {
	if v >= 0 && v < 1<<53 && v == math.Trunc(v) {
		return binary.AppendUvarint(b, uint64(v)<<1)
	}
	return wire.AppendFloat(append(b, 1), v)
}
