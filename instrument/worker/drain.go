package worker

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// settleTime is how long handlers have to notice that their request was cut off.
const settleTime = time.Second

type drainingKey struct{}

// Draining returns a channel that is closed when the worker that serves the request of ctx begins to drain, so that a
// handler that streams without an end can end. Outside of a worker the channel is nil, which is never ready.
func Draining(ctx context.Context) <-chan struct{} {
	ch, _ := ctx.Value(drainingKey{}).(chan struct{})
	return ch
}

// lastResponses wraps the application so that draining knows its handlers, and clients do not come back.
func (c *connections) lastResponses(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.begin() {
			w.Header().Set("Connection", "close")
		}
		defer c.end()
		next.ServeHTTP(w, r)
	})
}

// wait returns when the last connection is closed and the last handler has returned, or with an error after timeout.
func (c *connections) wait(grace, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		now := time.Now()
		next, conns, handlers := c.sweep(now, grace)
		if conns == 0 && handlers == 0 {
			return nil
		}
		if !now.Before(deadline) {
			return fmt.Errorf("draining took longer than %v: cut off %d connections and %d requests", timeout, conns, handlers)
		}
		if next.IsZero() || next.After(deadline) {
			next = deadline
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-c.ended:
		case <-timer.C:
		}
		timer.Stop()
	}
}
