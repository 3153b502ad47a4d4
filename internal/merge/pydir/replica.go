package pydir

import (
	"math"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/reading"
)

// A directory is what one replica's workers write to.
var _ merge.Replica = (*Merger)(nil)

// Name implements [merge.Replica].
func (m *Merger) Name() string { return m.options.Name }

// Totals implements [merge.Replica]: the totals as of the last reading.
func (m *Merger) Totals() merge.Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := merge.Totals{Version: m.version.Load(), Gauges: map[string]merge.GaugeMode{}}
	if err := m.unread(); err != nil {
		t.Unread = err.Error()
		return t
	}
	t.Families = m.table.export()
	for name, f := range m.table.families {
		if f.kind == reading.Gauge && f.mode != merge.GaugeAll { // all: the label pid keeps them apart already
			t.Gauges[name] = f.mode
		}
	}
	return t
}

// Alone implements [merge.Replica]: the counts and gauges of one worker, as if there were no other.
func (m *Merger) Alone(id string) *reading.Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := map[*slot]float64{}
	up := false
	for _, f := range m.files {
		if f.sealed || f.workerID() != id {
			continue
		}
		up = up || f.bad == ""
		for i, s := range f.slots {
			if s != nil {
				values[s] = math.Float64frombits(f.values[i])
			}
		}
	}
	if !up {
		return nil
	}
	return &reading.Reading{Families: m.table.alone(values)}
}

// NaiveHandler shows what a scrape would see without a merge: the counts and gauges of one worker alone, another one at
// random each time, as of the last reading. 503 if there is none.
func (m *Merger) NaiveHandler() http.Handler {
	return merge.Naive(func() *reading.Reading {
		workers := slices.DeleteFunc(m.Workers(), func(w merge.Worker) bool { return !w.Up })
		if len(workers) == 0 {
			return nil
		}
		return m.Alone(workers[rand.N(len(workers))].ID)
	})
}
