// Package traffic walks dogs when nobody is there to do so: a gentle load for the dogwalk demo, and one for the latency demo.
//
// It does what a visitor does: it posts the form that starts a walk, and some seconds later the one that completes it.
// Now and then it forgets to choose a walker. It has one request under way at a time and a bounded number of walks.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// MaxRate bounds Options.Rate: this is no load test.
	MaxRate = 100.0
	// maxOut bounds how many walks are under way; more are not started.
	maxOut = 500
	// A walk takes from shortest to longest: long enough to be seen on the page.
	shortest, longest = 5 * time.Second, 30 * time.Second
	// invalidEvery is how many starts there are for one with an invalid form.
	invalidEvery = 50
	// pause is how long to wait after an error before anything else is tried.
	pause = time.Second
	// refresh is how often to look which dogs and walkers there are.
	refresh = time.Minute
)

// Options for Run and Visit. URL is needed.
type Options struct {
	// URL is where the service is, as http://127.0.0.1:8001.
	URL string
	// Rate is how many walks are started, or visits made, per second on average, 0 (none) to MaxRate.
	Rate float64
	// Rand chooses. Default: differently each time.
	Rand *rand.Rand
	// Transport carries the requests. Default: one connection per request, so that all workers get some.
	Transport http.RoundTripper
	// Logger is told when the service stops answering as it should, and when it does again. Default: nobody.
	Logger *slog.Logger
}

func (o Options) check() error {
	if !strings.HasPrefix(o.URL, "http://") && !strings.HasPrefix(o.URL, "https://") {
		return fmt.Errorf("traffic: %q is not the address of a service: want http://host:port", o.URL)
	}
	if !(o.Rate >= 0 && o.Rate <= MaxRate) {
		return fmt.Errorf("traffic: a rate of %v per second is not possible: want 0 to %v", o.Rate, MaxRate)
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{DisableKeepAlives: true}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Run walks dogs until ctx is done. Errors of the service don't end it: it may be starting, or be scaled.
func Run(ctx context.Context, opts Options) error {
	if err := opts.check(); err != nil {
		return err
	}
	opts = opts.withDefaults()
	if opts.Rate == 0 {
		<-ctx.Done()
		return nil
	}
	g := &generator{
		Options: opts,
		visitor: newVisitor(opts.URL, opts.Transport),
	}
	g.run(ctx)
	return nil
}

// generator is one visitor with a diary.
type generator struct {
	Options
	visitor  *visitor
	out      []walk // soonest back first
	next     time.Time
	kennel   kennel
	known    time.Time // when the kennel was last looked at
	troubled bool
}

type walk struct {
	path string // of the form that completes it
	back time.Time
}

func (g *generator) run(ctx context.Context) {
	g.next = time.Now().Add(g.interval())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := g.next
		if g.returning() {
			due = g.out[0].back
		}
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		started, err := g.step(ctx)
		if ctx.Err() != nil {
			return
		}
		g.report(started, err)
		if err != nil {
			g.postpone(time.Now().Add(pause))
		}
	}
}

// step does what is due first, and reports whether that was to start a walk.
func (g *generator) step(ctx context.Context) (started bool, err error) {
	if g.returning() {
		return false, g.complete(ctx)
	}
	g.next = time.Now().Add(g.interval())
	if len(g.out) >= maxOut {
		return false, nil
	}
	return g.start(ctx)
}

// returning reports whether a dog is back before, or when, the next walk starts: starts that fail must not keep it out.
func (g *generator) returning() bool { return len(g.out) > 0 && !g.out[0].back.After(g.next) }

func (g *generator) start(ctx context.Context) (started bool, err error) {
	if time.Since(g.known) > refresh || g.kennel.empty() {
		kennel, err := g.visitor.kennel(ctx)
		if err != nil {
			return false, err
		}
		if kennel.empty() {
			return false, errors.New("there are no dogs or no walkers")
		}
		g.kennel, g.known = kennel, time.Now()
	}
	if g.Rand.IntN(invalidEvery) == 0 {
		return false, g.visitor.forget(ctx, pick(g.Rand, g.kennel.Dogs))
	}
	path, err := g.visitor.start(ctx, pick(g.Rand, g.kennel.Dogs), pick(g.Rand, g.kennel.Walkers))
	if err != nil {
		g.known = time.Time{} // perhaps one of them has left
		return false, err
	}
	g.add(walk{path, time.Now().Add(shortest + time.Duration(g.Rand.Int64N(int64(longest-shortest))))})
	return true, nil
}

func (g *generator) complete(ctx context.Context) error {
	w := g.out[0]
	g.out = g.out[1:]
	err := g.visitor.complete(ctx, w.path, distance(g.Rand))
	if errors.Is(err, errUnanswered) {
		w.back = time.Now().Add(pause)
		g.add(w) // the dog is still out
	}
	return err
}

func (g *generator) add(w walk) {
	i, _ := slices.BinarySearchFunc(g.out, w, func(a, b walk) int { return a.back.Compare(b.back) })
	g.out = slices.Insert(g.out, i, w)
}

// postpone lets nothing happen before t.
func (g *generator) postpone(t time.Time) {
	if g.next.Before(t) {
		g.next = t
	}
	for i := range g.out {
		if g.out[i].back.Before(t) {
			g.out[i].back = t
		}
	}
}

func (g *generator) interval() time.Duration { return interval(g.Rand, g.Rate) }

// report logs when walks begin to fail, and when one starts again: while the kennel is closed, others still come back.
func (g *generator) report(started bool, err error) {
	switch {
	case err != nil && !g.troubled:
		g.troubled = true
		g.Logger.Warn("walks don't go as they should", "url", g.URL, "err", err)
	case started && g.troubled:
		g.troubled = false
		g.Logger.Info("walks go well again", "url", g.URL)
	}
}

// distance is about a kilometre: many shorter walks, a few much longer ones.
func distance(r *rand.Rand) int {
	return int(min(5000, max(50, 900*math.Exp(r.NormFloat64()/2))))
}

func pick(r *rand.Rand, ids []int64) int64 { return ids[r.IntN(len(ids))] }
