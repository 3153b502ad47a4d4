package exposition

import (
	"bytes"
	"compress/gzip"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/internal/merge/reading"
)

// Snapshot is a [Page] of merged families. Each of its renderings is made once and shared by all who ask for it.
type Snapshot struct {
	exposed []*dto.MetricFamily

	mu    sync.Mutex
	pages map[Variant]*rendering
}

type rendering struct {
	body []byte
	err  error
}

// NewSnapshot makes a page of families, which must not be changed any more, and of the merge's own, in order of name.
func NewSnapshot(families []reading.Family, own []*dto.MetricFamily) *Snapshot {
	return &Snapshot{exposed: exposed(families, own), pages: map[Variant]*rendering{}}
}

// Release does nothing: a snapshot is not used again.
func (s *Snapshot) Release() {}

// Body is the snapshot in a variant.
func (s *Snapshot) Body(v Variant) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pages[v]
	if p == nil {
		p = s.render(v)
		s.pages[v] = p
	}
	return p.body, p.err
}

func (s *Snapshot) render(v Variant) *rendering {
	var out bytes.Buffer
	if !v.Gzip {
		err := encode(&out, s.exposed, v.Format)
		return &rendering{out.Bytes(), err}
	}
	plain := s.pages[Variant{v.Format, false}]
	if plain == nil {
		plain = s.render(Variant{v.Format, false})
		s.pages[Variant{v.Format, false}] = plain
	}
	if plain.err != nil {
		return plain
	}
	z := gzip.NewWriter(&out)
	if _, err := z.Write(plain.body); err != nil {
		return &rendering{err: err}
	}
	err := z.Close()
	return &rendering{out.Bytes(), err}
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
