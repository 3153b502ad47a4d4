package pydir

import (
	"errors"
	"io"
)

// ahead reads files that have grown, each while the one before is taken in. A first reading finds all of them so.
type ahead struct {
	files []growth
	read  chan fresh
	free  chan []byte
}

// growth is a file that has more in use than before.
type growth struct {
	file *file
	used int
}

// fresh is what it has more.
type fresh struct {
	data   []byte
	tail   int // bytes after a key
	err    error
	layout *layout // of a file of which nothing was known: the layout that it has, and its values
	values []uint64
}

// keptBuffer is how much of the memory for whole files is kept between readings: enough for files that grow.
const keptBuffer = 1 << 20

// readAhead begins to read the files that have grown, if that is much. They must be asked for, all and in the order of
// files, with next.
func (m *Merger) readAhead() {
	a, size := &m.ahead, 0
	a.files = a.files[:0]
	for _, f := range m.files {
		if used := f.found.used; !f.sealed && f.found.err == nil && f.grew(used) && !m.refuses(f, used) {
			a.files = append(a.files, growth{f, used})
			size += used - f.used
		}
	}
	if size < keptBuffer {
		a.files = a.files[:0]
		return
	}
	a.read, a.free = make(chan fresh), make(chan []byte, 2)
	a.free <- nil // one is read to while the other is taken in
	a.free <- nil
	go func(files []growth) { // ends when all have been asked for
		for _, g := range files {
			a.read <- g.file.more(g.used, <-a.free, m.layouts.get(g.file.class))
		}
	}(a.files)
}

// next is what a file has more than before, and what must be called when it is of no use any more.
func (m *Merger) next(f *file, used int) (r fresh, done func()) {
	if a := &m.ahead; len(a.files) > 0 && a.files[0] == (growth{f, used}) {
		a.files = a.files[1:]
		r = <-a.read
		return r, func() { a.free <- r.data }
	}
	s := m.scanners[0]
	r = f.more(used, s.large, m.layouts.get(f.class))
	return r, func() { s.large = r.data }
}

// more reads what is in use and was not before, into a buffer if that is large enough. If nothing was known of the file, it
// is compared with a layout that others have.
func (f *file) more(used int, buf []byte, others *layout) (r fresh) {
	from := max(f.used, headerSize)
	if r.data, r.err = f.read(from, used, buf); r.err != nil {
		return r
	}
	if f.used == 0 && others != nil {
		if r.values = others.values(r.data); r.values != nil {
			r.layout, r.tail = others, others.tail
			return r
		}
	}
	if r.tail = f.tail; r.tail == 0 {
		if r.tail, r.err = tailOf(r.data, maxKey); r.err != nil {
			r.err = leftOut(reasonForeign, "%w", r.err)
		}
	}
	return r
}

// read reads a part of a file, into a buffer if that is large enough. The result is a buffer in any case.
func (f *file) read(from, to int, buf []byte) ([]byte, error) {
	if need := to - from; need > cap(buf) {
		buf = make([]byte, need, need+need/8)
	}
	buf = buf[:to-from]
	switch n, err := f.fd.ReadAt(buf, int64(from)); {
	case n == len(buf):
		return buf, nil
	case errors.Is(err, io.EOF):
		return buf, leftOut(reasonTruncated, "it ends after %d bytes, and %d are in use", from+n, to)
	default:
		return buf, leftOut(reasonUnreadable, "%w", err)
	}
}

// grew tells whether a file that has so much in use has more than before.
func (f *file) grew(used int) bool { return used > max(f.used, headerSize) }
