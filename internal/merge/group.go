package merge

import (
	"cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/truecount/truecount/internal/merge/reading"
)

// GroupOptions configure a [Group].
type GroupOptions struct {
	Name   string               // of the service, for logs
	Gauges map[string]GaugeMode // as in [Options]; gauges are combined per replica first, then here
	Limits Limits               // Retained counts
	Logger *slog.Logger         // nil discards
}

// Replica is what a [Group] adds up: the merge of the workers of one replica, whatever way it reads them. Its methods may be
// called concurrently.
type Replica interface {
	// Name of the replica, for logs.
	Name() string
	// Version changes whenever Totals may have changed.
	Version() uint64
	// Totals are what is merged now.
	Totals() Totals
	// Counter is as [Merger.Counter].
	Counter(name string, match ...Label) Count
	// Workers lists the workers that may be alive.
	Workers() []Worker
	// Alone is what one of Workers that is up says by itself, or nil if it is not up any more.
	Alone(id string) *reading.Reading
}

// Totals are everything that a replica has merged. Nothing of it is changed later.
type Totals struct {
	Families []reading.Family // counts never go down
	Version  uint64           // of the replica, when these were its totals
	// Gauges are the modes that the workers themselves give their gauges; nil if they say nothing of it.
	Gauges map[string]GaugeMode
	// Unread says why there is nothing yet, or "".
	Unread string
}

// Group is a service: the total over its replicas, including those that were scaled away. What its replicas have counted
// stays when they are retired, so its totals never go down while it lives.
type Group struct {
	options GroupOptions
	log     *slog.Logger
	page    renderer

	mu       sync.Mutex
	members  []*member
	ledger   *ledger
	sequence uint64
	hasRead  bool   // some worker of some replica, at some time
	version  uint64 // of the ledger and the members' gauges
}

// member is a replica. Its merged totals are read like a worker's, as one life that never restarts.
type member struct {
	replica Replica
	life    *generation
	gauges  map[string]GaugeMode
	version uint64
	read    bool
}

// NewGroup makes a Group without replicas.
func NewGroup(o GroupOptions) (*Group, error) {
	if err := CheckGauges(o.Gauges); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Group{
		options: o, log: o.Logger.With("service", o.Name),
		ledger: newLedger(o.Limits.orDefault().Retained),
	}, nil
}

// Add makes r a replica of the service. Adding it again changes nothing.
func (g *Group) Add(r Replica) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.ContainsFunc(g.members, func(e *member) bool { return e.replica == r }) {
		return
	}
	life := newGeneration(r.Name(), r.Name(), 0, 0)
	life.monotone = true
	g.members = append(g.members, &member{replica: r, life: life})
}

// Retire takes r's last totals and lets go of r. Call it when r's Run has returned: what r reads later is not counted.
// A Replica must not be added again after it was retired: the Group has forgotten what it counted already.
func (g *Group) Retire(r Replica) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = slices.DeleteFunc(g.members, func(e *member) bool {
		if e.replica != r {
			return false
		}
		g.take(e)
		e.life.leave(g.ledger)
		g.version++
		return true
	})
}

// take brings the ledger up to date with one replica.
func (g *Group) take(e *member) {
	if e.read && e.replica.Version() == e.version {
		return
	}
	t := e.replica.Totals()
	if t.Unread != "" {
		return
	}
	g.hasRead = true
	g.sequence++
	g.version++
	o := e.life.apply(g.ledger, &reading.Reading{Families: t.Families}, g.sequence)
	e.life.up, e.read, e.version, e.gauges = true, true, t.Version, t.Gauges
	for _, c := range o.conflicts {
		g.log.Warn("replicas disagree on a metric", "replica", e.life.worker, "kind", string(c))
	}
	if o.limited > 0 {
		g.log.Warn("too many series to keep totals of", "replica", e.life.worker, "left_out", o.limited)
	}
}

// refresh takes in what every replica has counted since.
func (g *Group) refresh() {
	for _, e := range g.members {
		g.take(e)
	}
}

// ServeHTTP answers with the service's metrics, merged over replicas, as [Merger.ServeHTTP] does for one. No label tells
// replicas apart, and the merges' own metrics are not among them: those are each replica's. It answers 503 until a
// worker of any replica has been read.
func (g *Group) ServeHTTP(w http.ResponseWriter, r *http.Request) { serve(w, r, g.snapshot) }

func (g *Group) snapshot() *snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refresh()
	return g.page.at(func() uint64 { return g.version }, func() *snapshot {
		living, gauges := make([]*generation, len(g.members)), gaugePolicy{g.options.Gauges}
		for i, e := range g.members {
			living[i] = e.life
			gauges = append(gauges, e.gauges)
		}
		s := newSnapshot(g.version, g.ledger.export(living, append(gauges, wellKnown)), nil)
		if !g.hasRead {
			s.unread = fmt.Sprintf("no worker of %s has been read yet", g.options.Name)
		}
		return s
	})
}

// NaiveHandler is [Merger.NaiveHandler] over the workers of all replicas.
func (g *Group) NaiveHandler() http.Handler {
	return Naive(func() *reading.Reading {
		type candidate struct {
			replica Replica
			worker  string
		}
		var up []candidate
		for _, r := range g.replicas() {
			for _, w := range r.Workers() {
				if w.Up {
					up = append(up, candidate{r, w.ID})
				}
			}
		}
		for len(up) > 0 {
			i := rand.N(len(up))
			if one := up[i].replica.Alone(up[i].worker); one != nil {
				return one
			}
			up = slices.Delete(up, i, i+1) // it ended meanwhile
		}
		return nil
	})
}

// Counter is [Merger.Counter] over the replicas, those retired included.
func (g *Group) Counter(name string, match ...Label) Count {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refresh()
	c := g.ledger.counter(name, match)
	for _, e := range g.members {
		part := e.replica.Counter(name, match...)
		c.Workers = append(c.Workers, part.Workers...)
		if !part.ReadAt.IsZero() && (c.ReadAt.IsZero() || part.ReadAt.Before(c.ReadAt)) {
			c.ReadAt = part.ReadAt
		}
		c.Age = max(c.Age, part.Age)
	}
	slices.SortStableFunc(c.Workers, func(a, b WorkerCount) int {
		return cmp.Or(strings.Compare(a.Replica, b.Replica), cmp.Compare(a.PID, b.PID), strings.Compare(a.Worker, b.Worker))
	})
	return c
}

// Workers lists the workers of all replicas, in the order in which replicas were added.
func (g *Group) Workers() []Worker {
	var out []Worker
	for _, r := range g.replicas() {
		out = append(out, r.Workers()...)
	}
	return out
}

func (g *Group) replicas() []Replica {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]Replica, len(g.members))
	for i, e := range g.members {
		out[i] = e.replica
	}
	return out
}
