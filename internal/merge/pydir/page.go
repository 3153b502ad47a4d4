package pydir

import (
	"bytes"
	"context"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/common/expfmt"

	"github.com/truecount/truecount/internal/merge/exposition"
)

// ServeHTTP answers a scrape with what the directory has now: it reads the files first, and scrapes that come together
// share one reading and one page. Formats and compression are as of [merge.Merger]. Until a worker has written a file it
// answers 503.
func (m *Merger) ServeHTTP(w http.ResponseWriter, r *http.Request) { exposition.Serve(w, r, m.latest) }

func (m *Merger) latest(ctx context.Context) (exposition.Page, error) {
	if err := m.Read(ctx); err != nil && ctx.Err() != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.unread(); err != nil {
		return nil, err
	}
	return &view{m: m}, nil
}

// view is one scrape's hold on a page.
type view struct {
	m    *Merger
	page *page
}

// page is a page in one of the text formats. Its memory is used again when nobody holds it any more.
type page struct {
	openMetrics bool
	round       uint64
	holds       int // guarded by the Merger's lock
	text        bytes.Buffer

	compress   sync.Mutex
	compressed bytes.Buffer
}

// pages are the current page of each text format and those that can be written again.
type pages struct {
	current [2]*page
	free    []*page
}

// maxFree is how many pages that nobody holds are kept: one of each format is being read while the next is written.
const maxFree = 2

// Body is the page of the latest round.
func (v *view) Body(variant exposition.Variant) ([]byte, error) {
	m := v.m
	m.mu.Lock()
	kind := variant.Format.FormatType()
	if m.table.quoted || kind != expfmt.TypeTextPlain && kind != expfmt.TypeOpenMetrics {
		defer m.mu.Unlock()
		return m.snapshot().Body(variant)
	}
	p, err := m.page(kind == expfmt.TypeOpenMetrics)
	if err == nil {
		p.holds++
		v.page = p
	}
	m.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case variant.Gzip:
		return p.gzip()
	}
	return p.text.Bytes(), nil
}

// Release gives the page back.
func (v *view) Release() {
	if v.page == nil {
		return
	}
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	v.page.holds--
	v.m.pages.recycle(v.page)
	v.page = nil
}

// recycle keeps a page that nobody holds and that is not current, to be written again.
func (p *pages) recycle(old *page) {
	if old.holds == 0 && old != p.current[0] && old != p.current[1] && len(p.free) < maxFree {
		p.free = append(p.free, old)
	}
}

// snapshot is the page in every format, made anew.
func (m *Merger) snapshot() *exposition.Snapshot {
	own, err := m.metrics.Registry.Gather()
	if err != nil {
		m.log.Error("cannot gather the merge's own metrics", "err", err)
	}
	return exposition.NewSnapshot(m.table.export(), own)
}

// page returns the current page of a text format, writing it if there was a round since.
func (m *Merger) page(openMetrics bool) (*page, error) {
	at := 0
	if openMetrics {
		at = 1
	}
	if p := m.pages.current[at]; p != nil && p.round == m.round {
		return p, nil
	}
	if old := m.pages.current[at]; old != nil {
		m.pages.current[at] = nil
		m.pages.recycle(old)
	}
	p := &page{}
	if n := len(m.pages.free); n > 0 {
		p, m.pages.free = m.pages.free[n-1], m.pages.free[:n-1]
	}
	p.openMetrics, p.round = openMetrics, m.round
	p.text.Reset()
	p.compressed.Reset()
	m.write(p)
	if err := m.writeOwn(p); err != nil {
		return nil, err
	}
	m.pages.current[at] = p
	return p, nil
}

// write puts the page together from the texts of the children, of which only those are written again that have changed.
func (m *Merger) write(p *page) {
	if m.pageSize == 0 {
		m.pageSize = m.firstSize()
	}
	p.text.Grow(m.pageSize)
	for _, f := range m.table.inOrder() {
		begun := false
		for _, c := range f.inOrder() {
			if m.text = c.write(m.text); len(c.text) == 0 {
				continue
			}
			if !begun {
				begun = true
				f.header(&p.text, p.openMetrics, p.openMetrics && m.table.nameIsTaken(f))
			}
			p.text.Write(c.text)
		}
	}
}

// firstSize is how large the first page will be. It leaves room for what is on it beside the samples: types, help texts and
// the merge's own metrics.
func (m *Merger) firstSize() int {
	const room = 32 << 10
	size := room
	for _, f := range m.table.inOrder() {
		for _, c := range f.inOrder() {
			m.text = c.write(m.text)
			size += len(c.text)
		}
	}
	return size
}

// writeOwn adds the merge's own metrics, and the end that OpenMetrics has.
func (m *Merger) writeOwn(p *page) error {
	own, err := m.metrics.Registry.Gather()
	if err != nil {
		m.log.Error("cannot gather the merge's own metrics", "err", err)
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	if p.openMetrics {
		format = expfmt.NewFormat(expfmt.TypeOpenMetrics)
	}
	encoder := expfmt.NewEncoder(&p.text, format)
	for _, f := range own {
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	if c, ok := encoder.(expfmt.Closer); ok {
		if err := c.Close(); err != nil {
			return err
		}
	}
	m.pageSize = p.text.Len() + p.text.Len()/64 // numbers grow longer
	return nil
}

// compressors are used again: one has a megabyte of tables.
var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
	return z
}}

func (p *page) gzip() ([]byte, error) {
	p.compress.Lock()
	defer p.compress.Unlock()
	if p.compressed.Len() > 0 {
		return p.compressed.Bytes(), nil
	}
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(&p.compressed)
	if _, err := z.Write(p.text.Bytes()); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return p.compressed.Bytes(), nil
}
