package pydir

import (
	"context"
	"sync"
)

// rounds lets callers that come together share one reading. A reading is of use to a caller only if it began after the
// call: what was counted before must be in it. So whoever comes while one is under way waits for the next.
type rounds struct {
	turn chan struct{} // holds one token while a reading is under way

	mu   sync.Mutex
	next *round // has not begun yet; nil if nobody waits
}

type round struct{ done chan struct{} }

// join returns when a reading that began after the call has ended, or with the context's error.
func (r *rounds) join(ctx context.Context, read func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	mine, leads := r.next, r.next == nil
	if leads {
		mine = &round{make(chan struct{})}
		r.next = mine
	}
	r.mu.Unlock()
	if leads {
		// The others wait for this one: it goes on when its own caller has left.
		r.turn <- struct{}{}
		r.mu.Lock()
		r.next = nil
		r.mu.Unlock()
		read()
		<-r.turn
		close(mine.done)
		return nil
	}
	select {
	case <-mine.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
