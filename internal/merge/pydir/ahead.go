package pydir

import (
	"errors"
	"io"

	"github.com/truecount/truecount/internal/merge/reading"
)

// ahead reads files that have grown, while others are taken in. A first reading finds all of them so.
type ahead struct {
	files   []growth // still to be asked for
	read    chan *fresh
	buffers chan struct{} // holds a token for each whole file in memory
}

// growth is a file that has more in use than before.
type growth struct {
	file *file
	used int
}

// fresh is what it has more.
type fresh struct {
	err     error
	data    []byte
	tail    int      // bytes after a key
	pattern *pattern // what data are for other files; or, if values are known, what the file is like
	values  []uint64
	layout  *layout // the layout of these values
	done    func()  // must be called when this is of no use any more
}

const (
	keptBuffer  = 1 << 20 // how much of the memory for whole files is kept between readings: enough for files that grow
	mostAhead   = 64      // files
	mostBuffers = 2       // of whole files that are read ahead
)

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
	a.read, a.buffers = make(chan *fresh, mostAhead), make(chan struct{}, mostBuffers)
	go a.run(a.files, m.scanners[0]) // which has nothing to do meanwhile; it ends when all have been asked for
}

// run reads files in order. Those that are new are compared with the one of their class before.
func (a *ahead) run(files []growth, s *scanner) {
	read, buffers := a.read, a.buffers
	var p *pattern
	for _, g := range files {
		anew := g.file.used == 0 && g.file.kind != reading.Gauge
		if anew && p != nil && p.class == g.file.class {
			if values, same := s.like(p, g.file, g.used); same {
				read <- &fresh{tail: p.tail, pattern: p, values: values, done: func() {}}
				continue
			}
		}
		buffers <- struct{}{}
		r := g.file.more(g.used, nil)
		r.done = func() { <-buffers }
		if anew && r.err == nil {
			p = r.pattern
			p.count()
		}
		read <- r
	}
}

// next is what a file has more than before.
func (m *Merger) next(f *file, used int) *fresh {
	if a := &m.ahead; len(a.files) > 0 && a.files[0] == (growth{f, used}) {
		a.files = a.files[1:]
		r := <-a.read
		if r.values == nil {
			return r
		}
		if r.layout = r.pattern.layout; r.layout != nil {
			return r
		}
		// The one that it is like was not taken in.
	}
	s := m.scanners[0]
	r := f.more(used, s.large)
	s.large, r.done = r.data, func() {}
	return r
}

// more reads what is in use and was not before, into a buffer if that is large enough.
func (f *file) more(used int, buf []byte) *fresh {
	r := &fresh{}
	if r.data, r.err = f.read(max(f.used, headerSize), used, buf); r.err != nil {
		return r
	}
	if r.tail = f.tail; r.tail == 0 {
		if r.tail, r.err = tailOf(r.data, maxKey); r.err != nil {
			r.err = leftOut(reasonForeign, "%w", r.err)
		}
	}
	r.pattern = &pattern{class: f.class, data: r.data, tail: r.tail}
	return r
}

// read reads a part of a file, into a buffer if that is large enough. The result is a buffer in any case.
func (f *file) read(from, to int, buf []byte) ([]byte, error) {
	if need := to - from; need > cap(buf) {
		buf = make([]byte, need)
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
