package merge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/internal/merge/exact"
	"github.com/truecount/truecount/internal/merge/reading"
)

// Label selects series that carry it.
type Label struct{ Name, Value string }

// Count is one number that is counted, with where it comes from.
type Count struct {
	Found   bool // some worker has exposed it
	Total   float64
	Workers []WorkerCount // of those who may be alive, by replica and worker
	ReadAt  time.Time     // when the oldest of their last good readings began
	Age     time.Duration // since then
}

// WorkerCount is what one worker's own registry says.
type WorkerCount struct {
	Replica string
	Worker  string // as in [Worker]
	PID     int
	Value   float64
	Up      bool
	Age     time.Duration // since its last good reading began
}

// Counter returns the total of a counter, or of a histogram's or summary's count under its name with _count, over all
// series that carry all the labels. Total includes workers that have ended; Workers does not.
func (m *Merger) Counter(name string, match ...Label) Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.ledger.counter(name, match)
	now := m.options.Now()
	for _, r := range m.readers {
		if r.gen == nil {
			continue
		}
		g := r.gen
		c.Workers = append(c.Workers, WorkerCount{
			Replica: m.options.Name, Worker: g.worker, PID: g.pid, Value: g.counter(name, match), Up: g.up, Age: now.Sub(g.readAt),
		})
		if c.ReadAt.IsZero() || g.readAt.Before(c.ReadAt) {
			c.ReadAt = g.readAt
		}
	}
	if !c.ReadAt.IsZero() {
		c.Age = now.Sub(c.ReadAt)
	}
	slices.SortStableFunc(c.Workers, func(a, b WorkerCount) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), strings.Compare(a.Worker, b.Worker))
	})
	return c
}

func (l *ledger) counter(name string, match []Label) Count {
	f := l.families[name]
	if f == nil || f.kind != reading.Counter {
		f = l.families[strings.TrimSuffix(name, "_count")]
	}
	if !counts(f, name) {
		return Count{}
	}
	c := Count{}
	var sum exact.Sum
	for _, t := range f.totals {
		if t.began && Carries(t.labels, match) {
			c.Found = true
			sum.Add(t.value.Value() + float64(t.count)) // one of the two is 0
		}
	}
	c.Total = sum.Value()
	return c
}

func (g *generation) counter(name string, match []Label) float64 {
	h := g.holdings[name]
	if h == nil || !counts(h.family, name) {
		h = g.holdings[strings.TrimSuffix(name, "_count")]
	}
	if h == nil || !counts(h.family, name) {
		return 0
	}
	var sum exact.Sum
	for _, s := range h.series {
		if Carries(s.last.Labels, match) {
			sum.Add(s.last.Value + float64(s.last.Count))
		}
	}
	return sum.Value()
}

// counts tells whether name is f's count.
func counts(f *family, name string) bool {
	if f == nil {
		return false
	}
	if f.kind == reading.Counter {
		return f.name == name
	}
	return f.kind.Cumulative() && f.name+"_count" == name
}

// Carries tells whether labels have all that match names.
func Carries(labels []*dto.LabelPair, match []Label) bool {
	return !slices.ContainsFunc(match, func(want Label) bool {
		return !slices.ContainsFunc(labels, func(l *dto.LabelPair) bool { return l.GetName() == want.Name && l.GetValue() == want.Value })
	})
}
