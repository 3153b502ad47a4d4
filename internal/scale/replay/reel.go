package replay

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/promapi"
)

// reel is what a source answered about a window of syncs: all that its moments are made of.
type reel struct {
	instants []time.Time
	next     time.Time // the first instant after them; zero if there is none
	past     past
	metrics  []columns
}

// columns are the answers about one metric.
type columns struct{ values, requests []track }

// lasts is the time from a sync to the next; that after the last one is not known.
func (r *reel) lasts(i int, unknown time.Duration) time.Duration {
	switch {
	case i+1 < len(r.instants):
		return r.instants[i+1].Sub(r.instants[i])
	case !r.next.IsZero():
		return r.next.Sub(r.instants[i])
	}
	return unknown
}

// loader asks a source for one window after another.
type loader struct {
	options *Options
	asker   asker
	record  record
	clock   *clock
	size    int // syncs of a window
}

// windowSyncs is how many syncs are asked for at once, at first: a day at 15 s, one answer of Prometheus.
const windowSyncs = 5760

// reels yields one window after another and asks for the next while one is looked at. After an error there are no more. Nothing is
// asked for any more once the loop over it has ended.
func (l *loader) reels(ctx context.Context) iter.Seq2[*reel, error] {
	type loaded struct {
		reel *reel
		err  error
	}
	return func(yield func(*reel, error) bool) {
		within, cancel := context.WithCancel(ctx)
		next := make(chan loaded)
		var loading sync.WaitGroup
		defer loading.Wait()
		defer cancel()
		loading.Go(func() {
			defer close(next)
			for {
				r, err := l.load(within)
				if r == nil && err == nil {
					return
				}
				select {
				case next <- loaded{r, err}:
				case <-within.Done():
					return
				}
				if err != nil {
					return
				}
			}
		})
		for n := range next {
			if !yield(n.reel, n.err) || n.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil { // what was loaded when it ended got lost
			yield(nil, err)
		}
	}
}

// load returns the next window, or nil at the end. Where a day is more than the server answers at once, as of thousands of pods, it
// asks for half of it from then on.
func (l *loader) load(ctx context.Context) (*reel, error) {
	for {
		instants := l.clock.ahead(l.size)
		if len(instants) == 0 {
			return nil, nil
		}
		r, err := l.ask(ctx, instants)
		if err == nil {
			r.next = l.clock.pass(len(instants))
			return r, nil
		}
		if l.size = len(instants) / 2; l.size == 0 || !tooMuch(err) {
			return nil, err
		}
	}
}

// tooMuch says whether a question might be answered if it were about a shorter time.
func tooMuch(err error) bool {
	// Prometheus' words for its --query.max-samples, and those of what is built from its engine.
	return promapi.KindOf(err) == promapi.TooLarge || strings.Contains(err.Error(), "too many samples")
}

func (l *loader) ask(ctx context.Context, instants []time.Time) (*reel, error) {
	r := &reel{instants: instants, metrics: make([]columns, len(l.options.Questions))}
	var err error
	if r.past, err = l.record.window(ctx, instants); err != nil {
		return nil, err
	}
	for i, q := range l.options.Questions {
		if r.metrics[i].values, err = l.asker.at(ctx, q.Expr, instants); err == nil && q.Requests != "" {
			r.metrics[i].requests, err = l.asker.at(ctx, q.Requests, instants)
		}
		if err != nil {
			name, _ := described(&l.options.Spec.Metrics[i])
			return nil, fmt.Errorf("the query of %s: %w", name, err)
		}
	}
	return r, nil
}
