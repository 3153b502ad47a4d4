package hpadiff

import (
	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// observation is one sync: what there was to know, and what Kubernetes' controller did.
type observation struct {
	in       hpa.Input
	restart  bool // the controller is new: all that it remembers is in the conditions
	theirs   view
	replicas int32 // afterwards
}

// algorithm is what is compared with Kubernetes: [hpa.Decide], or that with a fault planted in it.
type algorithm func(hpa.Input, hpa.State) (hpa.Decision, hpa.State)

// follower goes through a history with an algorithm.
type follower struct {
	decide algorithm
	state  hpa.State
	found  *difference
}

// difference is the first decision that is not Kubernetes'.
type difference struct {
	step         int
	before       hpa.State
	in           hpa.Input
	theirs, ours view
	explanation  string
}

// follow decides about what was observed and remembers a difference. After one it must not be called again.
func (f *follower) follow(step int, o *observation) hpa.Decision {
	if o.restart {
		f.state = hpa.State{Conditions: f.state.Conditions}
	}
	before := f.state
	d, after := f.decide(o.in, before)
	f.state = after
	if ours := ourView(d, o.in.Observed); !cmp.Equal(o.theirs, ours) {
		f.found = &difference{step, before, o.in, o.theirs, ours, d.Reason()}
	}
	return d
}
