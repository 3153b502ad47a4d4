package server

import (
	"context"
	"sync"
)

type gateState int

const (
	gateStarting gateState = iota
	gateOpen
	gateStopping
)

// gate lets requests, queries and reloads in while the server is ready. It counts them, so that the database, whose
// files are mapped into memory, is closed under nobody's feet.
type gate struct {
	mu     sync.Mutex
	state  gateState
	inside sync.WaitGroup
	opened chan struct{}

	stopping context.Context
	stop     context.CancelFunc
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	g.stopping, g.stop = context.WithCancel(context.Background())
	return g
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == gateStarting {
		g.state = gateOpen
		close(g.opened)
	}
}

// enter returns a context that also ends when the server stops, and what to call at the end. Without leave it was refused.
func (g *gate) enter(ctx context.Context) (_ context.Context, leave func(), _ gateState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != gateOpen {
		return ctx, nil, g.state
	}
	g.inside.Add(1)
	ctx, done := g.untilStop(ctx)
	return ctx, func() { done(); g.inside.Done() }, gateOpen
}

func (g *gate) untilStop(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(g.stopping, cancel)
	return ctx, func() { release(); cancel() }
}

// close refuses newcomers, cancels those inside and waits until they have left.
func (g *gate) close() {
	g.mu.Lock()
	g.state = gateStopping
	g.mu.Unlock()
	g.stop()
	g.inside.Wait()
}
