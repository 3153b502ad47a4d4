package merge

import (
	"math/rand/v2"
	"net/http"

	"github.com/truecount/truecount/internal/merge/reading"
)

// NaiveHandler shows what a scrape of the replica would see without a merge: the metrics of one of its live workers,
// another one at random each time. It answers with that worker's latest reading, not by asking the worker: a question
// from here could be the one to which a draining worker hands over its last totals. 503 if no worker is up.
func (m *Merger) NaiveHandler() http.Handler { return naive(m.live) }

// live lists what each worker that is up said last.
func (m *Merger) live() []*reading.Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*reading.Reading
	for _, r := range m.readers {
		if r.state == WorkerUp && r.last != nil {
			out = append(out, r.last)
		}
	}
	return out
}

func naive(live func() []*reading.Reading) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all := live()
		if len(all) == 0 {
			http.Error(w, "no worker is up", http.StatusServiceUnavailable)
			return
		}
		one := all[rand.N(len(all))]
		serve(w, r, func() *snapshot { return newSnapshot(0, one.Families, nil) })
	})
}
