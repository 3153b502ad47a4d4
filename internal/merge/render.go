package merge

import (
	"bytes"
	"compress/gzip"
	"sync"
	"sync/atomic"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/internal/merge/reading"
)

// snapshot is what is merged at one moment, and its renderings, each made once and shared by all who ask for it.
type snapshot struct {
	version  uint64
	families []reading.Family
	exposed  []*dto.MetricFamily
	unread   string // why there is nothing to expose yet, or ""

	mu    sync.Mutex
	pages map[variant]*page
}

// variant is one of the few renderings that clients can negotiate: a format with one of four escapings, compressed or not.
type variant struct {
	format expfmt.Format
	gzip   bool
}

type page struct {
	body []byte
	err  error
}

// renderer keeps the latest snapshot. Scrapes that arrive together wait for one build.
type renderer struct {
	building sync.Mutex
	latest   atomic.Pointer[snapshot]
}

// at returns the snapshot of the version that is current, building it if it isn't there.
func (r *renderer) at(version func() uint64, build func() *snapshot) *snapshot {
	if s := r.latest.Load(); s != nil && s.version == version() {
		return s
	}
	r.building.Lock()
	defer r.building.Unlock()
	if s := r.latest.Load(); s != nil && s.version == version() {
		return s
	}
	s := build()
	r.latest.Store(s)
	return s
}

func newSnapshot(version uint64, families []reading.Family, own []*dto.MetricFamily) *snapshot {
	return &snapshot{version: version, families: families, exposed: exposed(families, own), pages: map[variant]*page{}}
}

func (s *snapshot) page(v variant) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pages[v]
	if p == nil {
		p = s.render(v)
		s.pages[v] = p
	}
	return p.body, p.err
}

func (s *snapshot) render(v variant) *page {
	var out bytes.Buffer
	if !v.gzip {
		err := encode(&out, s.exposed, v.format)
		return &page{out.Bytes(), err}
	}
	plain := s.pages[variant{v.format, false}]
	if plain == nil {
		plain = s.render(variant{v.format, false})
		s.pages[variant{v.format, false}] = plain
	}
	if plain.err != nil {
		return plain
	}
	z := gzip.NewWriter(&out)
	if _, err := z.Write(plain.body); err != nil {
		return &page{err: err}
	}
	err := z.Close()
	return &page{out.Bytes(), err}
}

// encode writes families so that the result is valid in the format.
func encode(out *bytes.Buffer, families []*dto.MetricFamily, format expfmt.Format) error {
	encoder := expfmt.NewEncoder(out, format)
	openMetrics := format.FormatType() == expfmt.TypeOpenMetrics
	var names map[string]bool
	if openMetrics {
		names = make(map[string]bool, len(families))
		for _, f := range families {
			names[f.GetName()] = true
		}
	}
	scheme := format.ToEscapingScheme()
	escaped := map[string]bool{}
	for _, f := range families {
		if scheme != model.NoEscaping {
			// a.b and a_b would both be a_b: the first stands.
			name := model.EscapeName(f.GetName(), scheme)
			if escaped[name] {
				continue
			}
			escaped[name] = true
		}
		if openMetrics {
			f = forOpenMetrics(f, names)
		}
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	if c, ok := encoder.(expfmt.Closer); ok {
		return c.Close()
	}
	return nil
}
