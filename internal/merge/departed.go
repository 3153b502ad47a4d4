package merge

import "slices"

// maxForgotten is how many ended generations are remembered by name alone: about 2 MB.
const maxForgotten = 16 << 10

// departed remembers ended generations, so that one that comes back is continued. The latest are kept in detail; of
// older ones only the name is left: such a one goes on from what it says when it comes back, and what it counted
// while it was away is lost rather than anything counted twice.
type departed struct {
	maxDetailed, maxWeight int
	detailed               map[string]*generation
	order                  []string // of detailed, oldest first
	weight                 int
	resumed                int // of detailed, and their weight: were alive when the state was saved, are beyond the limits
	resumedWeight          int
	forgotten              map[string]bool
	forgottenOrder         []string // a ring once it is full
	next                   int
}

func newDeparted(l Limits) *departed {
	return &departed{maxDetailed: l.Departed, maxWeight: l.Retained, detailed: map[string]*generation{}, forgotten: map[string]bool{}}
}

func (d *departed) add(g *generation) {
	d.detailed[g.id] = g
	d.order = append(d.order, g.id)
	d.weight += g.weight
	for len(d.order) > d.maxDetailed+d.resumed || d.weight > d.maxWeight+d.resumedWeight && len(d.order) > 1 {
		oldest, _ := d.take(d.order[0])
		d.forget(oldest.id)
	}
}

// restore adds a generation that a state file has, in the order in which it has them.
func (d *departed) restore(g *generation) {
	d.detailed[g.id] = g
	d.order = append(d.order, g.id)
	d.weight += g.weight
	if g.resumed {
		d.resumed++
		d.resumedWeight += g.weight
	}
}

// takeContinued returns the generation that was alive at the address when the state was saved, if the answer can be a later
// reading of it. It is for programs that don't say who they are: their start time is reckoned from the boot time, which may
// have moved since.
func (d *departed) takeContinued(a *answer) *generation {
	for _, g := range d.detailed {
		if g.resumed && g.worker == a.worker && g.continues(a.reading) {
			d.take(g.id)
			return g
		}
	}
	return nil
}

// forgottenInOrder lists those of whom only the name is left, oldest first.
func (d *departed) forgottenInOrder() []string {
	return slices.Concat(d.forgottenOrder[d.next:], d.forgottenOrder[:d.next])
}

func (d *departed) forget(id string) {
	if d.forgotten[id] {
		return
	}
	d.forgotten[id] = true
	if len(d.forgottenOrder) < maxForgotten {
		d.forgottenOrder = append(d.forgottenOrder, id)
		return
	}
	delete(d.forgotten, d.forgottenOrder[d.next])
	d.forgottenOrder[d.next] = id
	d.next = (d.next + 1) % maxForgotten
}

// take returns the generation, which is then no longer departed, or nil; known is true if it was here in any form.
func (d *departed) take(id string) (g *generation, known bool) {
	g = d.detailed[id]
	if g == nil {
		return nil, d.forgotten[id]
	}
	delete(d.detailed, id)
	d.weight -= g.weight
	if g.resumed {
		g.resumed = false
		d.resumed--
		d.resumedWeight -= g.weight
	}
	for i, o := range d.order {
		if o == id {
			d.order = append(d.order[:i:i], d.order[i+1:]...)
			break
		}
	}
	return g, true
}

// peek returns the generation if it is kept in detail.
func (d *departed) peek(id string) *generation { return d.detailed[id] }
