package pydir

import (
	"math"

	"github.com/truecount/truecount/internal/merge/exact"
)

// pending collects the buckets of a histogram until the last one, +Inf, has been seen: the client writes them one after
// the other, in order of their bounds, and a scrape may come in between. Until then the file says nothing of which bounds
// its histogram has, and all its buckets are 0.
type pending struct {
	child   *child
	slots   []*slot
	waiting map[*child][]*slot // begun, while another was written
}

// add takes in a bucket of a file.
func (p *pending) add(t *table, s *slot) {
	if s.child != p.child {
		if len(p.slots) > 0 {
			if p.waiting == nil {
				p.waiting = map[*child][]*slot{}
			}
			p.waiting[p.child] = p.slots
			p.slots = nil
		}
		p.child = s.child
		if begun := p.waiting[s.child]; begun != nil {
			p.slots = begun
			delete(p.waiting, s.child)
		}
	}
	if n := len(p.slots); n == 0 || p.slots[n-1] != s { // a bound written in two ways is one
		p.slots = append(p.slots, s)
	}
	if math.IsInf(s.bound, 1) {
		t.hasBuckets(s.child, p.slots)
		p.slots = p.slots[:0]
	}
}

// hasBuckets is told that one more file has a histogram, with these buckets.
func (t *table) hasBuckets(c *child, buckets []*slot) {
	c.holders++
	for _, b := range buckets {
		b.holders++
	}
	for _, b := range c.buckets {
		if b.holders != c.holders {
			t.report(c.family, conflictBounds)
			break
		}
	}
}

// shared calls visit for every bound that all files have, where cumulative counts are exact, with the count up to it. The
// last is +Inf and has the count of all observations. It visits nothing of a histogram that no file has whole.
func (c *child) shared(visit func(s *slot, cumulative uint64)) {
	if c.holders == 0 {
		return
	}
	cumulative := uint64(0)
	for _, b := range c.buckets {
		cumulative = addCount(cumulative, b.total)
		if b.holders == c.holders {
			visit(b, cumulative)
		}
	}
}

// addCount adds what is counted in float64 to what is counted in whole numbers, and stays at the greatest.
func addCount(n uint64, sum exact.Sum) uint64 {
	v := sum.Value()
	if v <= 0 {
		return n
	}
	if v >= math.MaxUint64 || n > math.MaxUint64-uint64(v) {
		return math.MaxUint64
	}
	return n + uint64(v)
}
