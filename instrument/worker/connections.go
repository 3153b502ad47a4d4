package worker

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connections knows the application's connections, so that draining can wait for the busy ones and be patient with
// the idle ones. http.Server knows them, too, but it has no patience.
type connections struct {
	mu       sync.Mutex
	open     map[net.Conn]*connection
	handlers atomic.Int64 // running; may be more than busy connections, as a handler may outlive a connection it took over
	draining atomic.Bool
	ended    chan struct{} // holds a token when something ended while draining
}

type connection struct {
	busy    bool
	idle    time.Time // since when it is not busy
	expired bool      // its reader has been told to give up
}

func newConnections() *connections {
	return &connections{open: map[net.Conn]*connection{}, ended: make(chan struct{}, 1)}
}

// observe is an [http.Server.ConnState] hook.
func (c *connections) observe(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = &connection{idle: time.Now()}
	case http.StateActive:
		if known := c.open[conn]; known != nil {
			known.busy = true
			if known.expired {
				// A request came in after all, in the moment of giving up.
				known.expired = false
				_ = conn.SetReadDeadline(time.Time{})
			}
		}
	case http.StateIdle:
		if known := c.open[conn]; known != nil {
			known.busy, known.idle = false, time.Now()
		}
	case http.StateHijacked, http.StateClosed:
		delete(c.open, conn)
	}
	c.signal()
}

func (c *connections) signal() {
	if !c.draining.Load() {
		return
	}
	select {
	case c.ended <- struct{}{}:
	default:
	}
}

// begin counts a handler in, and reports whether the worker is draining.
func (c *connections) begin() bool {
	c.handlers.Add(1)
	return c.draining.Load()
}

func (c *connections) end() {
	c.handlers.Add(-1)
	c.signal()
}

// drain makes every response from now on the last of its connection.
func (c *connections) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining.Store(true)
	now := time.Now()
	for _, known := range c.open {
		if !known.busy {
			known.idle = now // the grace begins now
		}
	}
}

// sweep ends the connections that were idle for grace. It returns when to come again, and how many connections and
// handlers there still are; a worker has drained when both are 0.
func (c *connections) sweep(now time.Time, grace time.Duration) (next time.Time, connections, handlers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, known := range c.open {
		if known.busy || known.expired {
			continue
		}
		end := known.idle.Add(grace)
		if !now.Before(end) {
			// Not a Close: it would cut off a request that the connection's goroutine is just reading, and
			// waking that goroutine by a deadline does not, if it has something to read.
			known.expired = true
			_ = conn.SetReadDeadline(now.Add(-time.Second))
			continue
		}
		if next.IsZero() || end.Before(next) {
			next = end
		}
	}
	return next, len(c.open), int(c.handlers.Load())
}
