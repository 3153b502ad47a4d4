package pydir

import (
	"bytes"
	"slices"
)

// layout is which entries a file of counts has, in order. Workers of one application create their metrics in the same
// order, so their files mostly have one layout together, and what is known of it is kept once. It does not change.
type layout struct {
	tail    int
	lengths []uint32
	slots   []*slot
}

// share has a file share the latest layout of its class, if it has just that; else its own becomes the latest.
func (m *Merger) share(f *file) *layout {
	l := m.layouts[f.class]
	if l == nil || l.tail != f.tail || !slices.Equal(l.lengths, f.lengths) || !slices.Equal(l.slots, f.slots) {
		l = &layout{tail: f.tail, lengths: slices.Clip(f.lengths), slots: slices.Clip(f.slots)}
		m.layouts[f.class] = l
	}
	f.has(l)
	return l
}

// has gives a file a layout. What is appended to it later is appended to a copy.
func (f *file) has(l *layout) { f.lengths, f.slots = l.lengths, l.slots }

// pattern is a file that was read as a whole, for files of the same class to be compared with.
type pattern struct {
	class   class
	data    []byte // after the header
	tail    int
	entries int
	layout  *layout // when it has been taken in
}

// like reads a file that may have the same entries as the pattern, and its values. It is false if it has others.
func (s *scanner) like(p *pattern, f *file, used int) (values []uint64, same bool) {
	if used != headerSize+len(p.data) {
		return nil, false
	}
	var from, to int // what of the file the buffer has
	values = make([]uint64, 0, p.entries)
	for at := headerSize; at < used; {
		want := p.data[at-headerSize:]
		value := valueOffset(int(order.Uint32(want)))
		next := at + value + p.tail
		if next > to {
			var err error
			if from, to, err = s.fill(f, at, next, used); err != nil {
				return nil, false
			}
		}
		if !bytes.Equal(s.buf[at-from:at-from+value], want[:value]) {
			return nil, false
		}
		values = append(values, order.Uint64(s.buf[at-from+value:]))
		at = next
	}
	return values, true
}

// count counts the entries.
func (p *pattern) count() {
	for at := 0; at < len(p.data); p.entries++ {
		at += valueOffset(int(order.Uint32(p.data[at:]))) + p.tail
	}
}
