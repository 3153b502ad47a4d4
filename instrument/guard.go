package instrument

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// guard stands in the registry for one collector, and runs it at most once at a time.
type guard struct {
	name    string
	most    int // metrics of one run
	collect CollectFunc
	descs   []*prometheus.Desc
	logger  *slog.Logger

	mu      sync.Mutex
	current *run // nil if none is under way
	begun   int  // runs so far
	health  health
}

func newGuard(name string, most int, collect CollectFunc, descs []*prometheus.Desc, logger *slog.Logger) *guard {
	return &guard{name: name, most: most, collect: collect, descs: descs, logger: logger, health: newHealth()}
}

// Describe makes the registry check the collector's metrics against its others.
func (g *guard) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.descs {
		ch <- d
	}
}

// Collect sends nothing: the scrape's metrics are sent by guards, which knows those of the other collectors.
func (g *guard) Collect(chan<- prometheus.Metric) {}

// result returns what one scrape gets of the collector, at the latest when scrape ends.
//
// Only a run that began after the scrape did is good enough, since an older one may have read its values long ago. A run
// under way is waited for, for as long as the scrape would grant it; the scrapes that wait for it share the next one. If that
// was cut short by the deadline of a scrape that grants less, those that grant more try again.
func (g *guard) result(scrape context.Context) result {
	deadline, _ := scrape.Deadline()
	grants := time.Until(deadline)
	g.mu.Lock()
	known := g.begun
	for {
		r := g.current
		if r == nil {
			r = g.begin(scrape)
		}
		g.mu.Unlock()
		r.await(scrape, grants)
		switch {
		case r.number > known && (scrape.Err() != nil || !r.cutShort(deadline)):
			return r.result()
		case !r.over():
			return result{took: time.Since(r.start), failure: failedTimeout, cause: "its run of an earlier scrape has not come back"}
		}
		g.mu.Lock()
	}
}

// begin starts a run; mu is held.
func (g *guard) begin(scrape context.Context) *run {
	g.begun++
	deadline, _ := scrape.Deadline()
	r := &run{number: g.begun, most: g.most, start: time.Now(), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithDeadline(context.WithValue(context.Background(), runKey{}, r), deadline)
	g.current = r
	go func() {
		defer func() {
			g.mu.Lock()
			g.current = nil
			g.mu.Unlock()
			close(r.done)
			r.cancel()
		}()
		r.collect(g.collect)
	}()
	return r
}
