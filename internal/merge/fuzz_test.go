package merge_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/truecount/truecount/internal/merge"
)

// memory is a state without a file, for speed.
type memory struct {
	payload []byte
	refused error
}

func (m *memory) Load() ([]byte, error) {
	if m.payload == nil {
		return nil, fs.ErrNotExist
	}
	return m.payload, nil
}

func (m *memory) Refuse(cause error) error {
	m.refused = cause
	return cause
}

func (m *memory) Save(payload []byte) error {
	m.payload = bytes.Clone(payload)
	return nil
}

func (m *memory) Close() error { return nil }

// Whatever a worker answers, and whatever it answers after that, the exposition stays valid and its total does not go down;
// and whatever got in can be saved and is the same after a restart.
func FuzzWorkersAnswers(f *testing.F) {
	f.Add(poisoned(), poisoned(), true)
	f.Add([]byte("# TYPE clicks_total counter\nclicks_total 3\n"), []byte("# TYPE clicks_total counter\nclicks_total 2\n"), false)
	f.Add([]byte("# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_count 4\nh_sum 1\n"), []byte("# TYPE h histogram\nh_bucket{le=\"2\"} 3\nh_count 4\nh_sum 1\n"), false)
	dir := socketDir(f)
	w := startWorker(f, dir, 1)
	w.counter("clicks_total").Inc()
	f.Fuzz(func(t *testing.T, first, second []byte, proto bool) {
		contentType := text
		if proto {
			contentType = acceptProto
		}
		saved := &memory{}
		o := merge.Options{Source: list{{Network: "unix", Address: w.socket}}, State: saved}
		m, err := merge.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { m.Close() }()
		last := 0.0
		for _, body := range [][]byte{nil, first, second, first} {
			w.set(func() {
				if w.handler = nil; body != nil {
					w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
						rw.Header().Set("Content-Type", contentType)
						_, _ = rw.Write(body)
					})
				}
			})
			read(t, m)
			parses(t, m)
			if total := m.Counter("clicks_total").Total; total < last {
				t.Errorf("%v after %v", total, last)
			} else {
				last = total
			}
			before := counted(t, m)
			m.Close()
			if m, err = merge.New(o); err != nil {
				t.Fatalf("what was saved can't be read: %v", err)
			}
			if diff := cmp.Diff(before, counted(t, m), protocmp.Transform(), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("a restart changed what is served (-before +after):\n%s", diff)
			}
		}
	})
}
