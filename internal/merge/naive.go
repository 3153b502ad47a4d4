package merge

import (
	"math/rand/v2"
	"net/http"

	"github.com/truecount/truecount/internal/merge/reading"
)

// NaiveHandler shows what a scrape of the replica would see without a merge: the metrics of one of its live workers,
// another one at random each time. It answers with that worker's latest reading, not by asking the worker: a question
// from here could be the one to which a draining worker hands over its last totals. 503 if no worker is up.
func (m *Merger) NaiveHandler() http.Handler {
	return Naive(func() *reading.Reading {
		up := m.up(func(*reader) bool { return true })
		if len(up) == 0 {
			return nil
		}
		return up[rand.N(len(up))]
	})
}

// Alone implements [Replica].
func (m *Merger) Alone(id string) *reading.Reading {
	for _, r := range m.up(func(r *reader) bool { return r.name() == id }) {
		return r
	}
	return nil
}

// up lists what each of those workers that are up said last.
func (m *Merger) up(which func(*reader) bool) []*reading.Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*reading.Reading
	for _, r := range m.readers {
		if r.state == WorkerUp && r.last != nil && which(r) {
			out = append(out, r.last)
		}
	}
	return out
}

// Naive serves what one worker said, whom pick chooses for each scrape; nil if none is up, which is a 503.
func Naive(pick func() *reading.Reading) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one := pick()
		if one == nil {
			http.Error(w, "no worker is up", http.StatusServiceUnavailable)
			return
		}
		serve(w, r, func() *snapshot { return newSnapshot(0, one.Families, nil) })
	})
}
