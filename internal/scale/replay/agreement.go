package replay

import (
	"github.com/truecount/truecount/internal/scale/hpa"
)

// agreement compares the decisions of the recorded scenario with what the controller did.
type agreement struct {
	result Agreement
	pairs  []pair // the last ones, oldest first; what their neighbours are decides about them
	open   bool   // the last pair has no theirs yet
}

type pair struct {
	decision *hpa.Decision
	theirs   int32
}

// ours notes a decision. What the controller did at the sync before it is seen now, in the replicas.
func (a *agreement) ours(d *hpa.Decision, m *moment) {
	if a.open {
		a.pairs[len(a.pairs)-1].theirs = m.replicas
		a.settle()
	}
	a.pairs = append(a.pairs, pair{d, m.desired})
	a.open = m.desired < 0
	if !a.open {
		a.settle()
	}
}

// settle judges the pair before the last: both its neighbours are known now.
func (a *agreement) settle() {
	n := len(a.pairs)
	if n >= 2 {
		a.judge(n-2, n-1)
	}
	if n > 3 {
		a.pairs = append(a.pairs[:0], a.pairs[n-3:]...)
	}
}

// gap ends a stretch of comparable decisions.
func (a *agreement) gap() {
	if a.open {
		a.pairs = a.pairs[:len(a.pairs)-1] // nobody knows what was done
	}
	if n := len(a.pairs); n >= 1 {
		a.judge(n-1, n-1)
	}
	a.pairs, a.open = nil, false
}

// judge compares a pair. A decision is within one sync if it lies between the least and the most that the controller asked for from the
// sync before to the sync after: made at another instant, on the way from 5 to 8 replicas, it may be 7. What the controller never
// asked for is different, however shortly.
func (a *agreement) judge(i, last int) {
	p, r := a.pairs[i], &a.result
	ours := p.decision.Desired
	r.Compared++
	if ours == p.theirs {
		r.Same++
		return
	}
	before, after := a.pairs[max(0, i-1)].theirs, a.pairs[min(last, i+1)].theirs
	within := ours >= min(before, p.theirs, after) && ours <= max(before, p.theirs, after)
	if within {
		r.OneSync++
	} else {
		r.Different++
	}
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, Difference{At: p.decision.At, Ours: ours, Theirs: p.theirs, OneSync: within, Reason: p.decision.Reason()})
	}
}
