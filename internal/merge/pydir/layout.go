package pydir

import (
	"slices"
	"sync"

	"github.com/truecount/truecount/internal/merge/reading"
)

// layout is which entries a file of counts has, in order. Workers of one application create their metrics in the same
// order, so their files mostly have one layout together, and what is known of it is kept once. It does not change.
type layout struct {
	tail    int
	keys    []*known
	lengths []uint32
	slots   []*slot
}

// layouts are the latest layout of each class of files.
type layouts struct {
	mu sync.Mutex // files are read ahead beside learn
	of map[class]*layout
}

func (l *layouts) get(c class) *layout {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[c]
}

// learn is told of a file that has grown by entries. If its layout is the latest one it shares it, else its own becomes that.
func (l *layouts) learn(f *file, found []foundEntry) {
	if f.kind == reading.Gauge {
		return // some have slots of their own worker
	}
	latest := l.get(f.class)
	if latest != nil && latest.tail == f.tail && slices.Equal(latest.lengths, f.lengths) && slices.Equal(latest.slots, f.slots) {
		f.has(latest)
		return
	}
	own := &layout{tail: f.tail, lengths: slices.Clip(f.lengths), slots: slices.Clip(f.slots)}
	if f.layout != nil {
		own.keys = slices.Clip(f.layout.keys)
	}
	for _, e := range found {
		own.keys = append(own.keys, e.known)
	}
	f.has(own)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[class]*layout{}
	}
	l.of[f.class] = own
}

// has gives a file a layout. Entries that are appended to it are appended to a copy.
func (f *file) has(l *layout) { f.layout, f.lengths, f.slots = l, l.lengths, l.slots }

// values are the values of a file that has just these entries, or nil if it has others.
func (l *layout) values(data []byte) []uint64 {
	values, at := make([]uint64, len(l.keys)), 0
	for i, k := range l.keys {
		key, next, err := entryAt(data, at, l.tail, maxKey)
		if err != nil || string(key) != k.key {
			return nil
		}
		values[i] = order.Uint64(data[next-l.tail:])
		at = next
	}
	if at != len(data) {
		return nil
	}
	return values
}
