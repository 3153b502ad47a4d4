package merge

import (
	"math"
	"strconv"
	"time"

	"github.com/truecount/truecount/internal/merge/reading"
)

// generation is one life of a worker: what its last reading said, so that the next one adds only what is new.
type generation struct {
	id       string // unique: pid and start, or address and start
	worker   string // for people and labels: pid=…, or the address
	pid      int
	start    float64
	holdings map[string]*holding
	weight   int // series held
	round    uint64
	up       bool
	drained  bool
	readAt   time.Time // start of the last good reading
	order    uint64    // of that reading among all
	saidAt   time.Time // by the worker's own clock, when it gave that reading
	monotone bool      // its readings are a Merger's own totals: they never restart, only get coarser
	resumed  bool      // of a state file, where it was alive, and not read since
	baseline bool      // what it says first was counted before: it was forgotten in between
}

// holding is a generation's part in one family. family is nil while a conflict keeps it out.
type holding struct {
	family   *family
	series   map[string]*held
	reported map[conflict]bool
}

type held struct {
	total   *total // nil for gauges
	last    reading.Series
	round   uint64 // of the reading that last exposed it
	changed uint64 // the order of the last change of value, for GaugeMostRecent
}

// outcome is what a reading did besides adding up.
type outcome struct {
	conflicts []conflict
	resets    int
	limited   int // series not taken for the limit of retained series
	notFinite int // sums that were not numbers
	total     int // series seen
}

func newGeneration(id, worker string, pid int, start float64) *generation {
	return &generation{id: id, worker: worker, pid: pid, start: start, holdings: map[string]*holding{}}
}

func (g *generation) pidLabel() string {
	if g.pid > 0 {
		return strconv.Itoa(g.pid)
	}
	return g.worker
}

// apply adds to the ledger what r has more than the reading before. sequence orders readings over all generations.
func (g *generation) apply(l *ledger, r *reading.Reading, sequence uint64) outcome {
	g.round++
	var o outcome
	var key []byte
	for i := range r.Families {
		f := &r.Families[i]
		h := g.hold(l, f, &o)
		if h.family == nil {
			continue
		}
		for j := range f.Series {
			s := &f.Series[j]
			o.total++
			key = reading.AppendKey(key[:0], s.Labels)
			if f.Kind.Cumulative() {
				g.count(l, h, key, s, &o)
			} else {
				g.gauge(h, key, s, sequence)
			}
		}
	}
	g.forgetGauges(l)
	g.baseline = false
	return o
}

func (g *generation) hold(l *ledger, f *reading.Family, o *outcome) *holding {
	h := g.holdings[f.Name]
	if h == nil {
		h = &holding{series: map[string]*held{}, reported: map[conflict]bool{}}
		g.holdings[f.Name] = h
	}
	if h.family != nil && h.family.kind == f.Kind {
		return h
	}
	if h.family != nil { // the worker changed its mind about the type
		g.drop(l, f.Name, h)
		h = &holding{series: map[string]*held{}, reported: h.reported}
		g.holdings[f.Name] = h
	}
	fam, c := l.family(f)
	if fam != nil {
		h.family = fam
		fam.holders++
	}
	g.report(h, c, o)
	return h
}

// report counts a conflict once for a generation and family.
func (g *generation) report(h *holding, c conflict, o *outcome) {
	if c != "" && !h.reported[c] {
		h.reported[c] = true
		o.conflicts = append(o.conflicts, c)
	}
}

func (g *generation) count(l *ledger, h *holding, key []byte, s *reading.Series, o *outcome) {
	have := h.series[string(key)]
	if have == nil {
		t := l.total(h.family, key, s.Labels)
		if t == nil {
			o.limited++
			return
		}
		have = &held{total: t, last: finite(reading.Series{}, *s, o), round: g.round}
		h.series[t.key] = have
		g.weight++
		if !g.baseline || !t.began {
			g.add(h, t, nil, &have.last, o)
		}
		return
	}
	now := finite(have.last, *s, o)
	before := &have.last
	switch {
	case g.monotone:
		before = onto(before, &now)
	case restarted(h.family.kind, before, &now) || g.restartedAsCreated(before, &now):
		o.resets++
		now = finite(reading.Series{}, *s, o)
		before = nil
	}
	g.add(h, have.total, before, &now, o)
	have.last, have.round = now, g.round
}

// finite lets a sum that is not a number, because one was observed, stand where it was.
func finite(before, now reading.Series, o *outcome) reading.Series {
	if math.IsNaN(now.Sum) || math.IsInf(now.Sum, 0) {
		o.notFinite++
		now.Sum = before.Sum
	}
	return now
}

func (g *generation) add(h *holding, t *total, before, now *reading.Series, o *outcome) {
	if !t.add(before, now) {
		g.report(h, conflictBounds, o)
	}
	t.keepExemplars(before, now)
}

// restartedAsCreated sees a reset that has already been outgrown: the series says that it was created after the worker
// gave the reading before. Both times are of the worker's clock; one that is jumping can only hide a reset here.
func (g *generation) restartedAsCreated(before, now *reading.Series) bool {
	if before.Created == nil || now.Created == nil || g.saidAt.IsZero() {
		return false
	}
	created := now.Created.AsTime()
	return created.After(before.Created.AsTime()) && !created.Before(g.saidAt)
}

func (g *generation) gauge(h *holding, key []byte, s *reading.Series, sequence uint64) {
	have := h.series[string(key)]
	if have == nil {
		have = &held{changed: sequence}
		h.series[string(key)] = have
		g.weight++
	} else if have.last.Value != s.Value {
		have.changed = sequence
	}
	have.last, have.round = *s, g.round
}

// forgetGauges drops the gauges that the last reading no longer had. Counts stay: a total does not shrink, and a label
// set that comes back is continued.
func (g *generation) forgetGauges(l *ledger) {
	for name, h := range g.holdings {
		if h.family == nil || h.family.kind.Cumulative() {
			continue
		}
		for key, s := range h.series {
			if s.round != g.round {
				delete(h.series, key)
				g.weight--
			}
		}
		if len(h.series) == 0 {
			g.drop(l, name, h)
		}
	}
}

func (g *generation) drop(l *ledger, name string, h *holding) {
	g.weight -= len(h.series)
	delete(g.holdings, name)
	l.release(h.family)
}

// leave ends a generation's part in gauges. What it counted is in the ledger and stays there.
func (g *generation) leave(l *ledger) {
	g.up = false
	for name, h := range g.holdings {
		if h.family != nil && !h.family.kind.Cumulative() {
			g.drop(l, name, h)
		}
	}
}

// continues tells whether r can be a later reading of this same life: nothing that is counted is lower or gone.
func (g *generation) continues(r *reading.Reading) bool {
	seen := 0
	var key []byte
	for i := range r.Families {
		f := &r.Families[i]
		h := g.holdings[f.Name]
		if h == nil || h.family == nil || !f.Kind.Cumulative() || h.family.kind != f.Kind {
			continue
		}
		for j := range f.Series {
			key = reading.AppendKey(key[:0], f.Series[j].Labels)
			have := h.series[string(key)]
			if have == nil || have.round != g.round {
				continue
			}
			if restarted(f.Kind, &have.last, &f.Series[j]) {
				return false
			}
			seen++
		}
	}
	return seen == g.counted()
}

// counted is how many counted series the last reading had.
func (g *generation) counted() int {
	n := 0
	for _, h := range g.holdings {
		if h.family == nil || !h.family.kind.Cumulative() {
			continue
		}
		for _, s := range h.series {
			if s.round == g.round {
				n++
			}
		}
	}
	return n
}
