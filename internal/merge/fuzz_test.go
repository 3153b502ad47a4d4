package merge_test

import (
	"net/http"
	"testing"

	"github.com/truecount/truecount/internal/merge"
)

// Whatever a worker answers, and whatever it answers after that, the exposition stays valid and its total does not go down.
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
		m, err := merge.New(merge.Options{Source: list{{Network: "unix", Address: w.socket}}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
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
		}
	})
}
