package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stack runs named components and ends them last in, first out, so that whatever a component leans on outlives it.
// A component that fails or ends by itself is reported on failed; ending the stack is the owner's decision.
type stack struct {
	logger *slog.Logger
	failed chan error

	mu      sync.Mutex
	running []*component
}

type component struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func newStack(logger *slog.Logger) *stack {
	return &stack{logger: logger, failed: make(chan error, 1)}
}

// start runs a component in a goroutine that the stack owns. run must return soon after its context is done.
// The returned component can be ended before the others with end.
func (s *stack) start(name string, run func(context.Context) error) *component {
	ctx, cancel := context.WithCancel(context.Background())
	c := &component{name: name, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	s.running = append(s.running, c)
	s.mu.Unlock()

	go func() {
		defer close(c.done)
		err := run(ctx)
		if ctx.Err() != nil {
			if !errors.Is(err, context.Canceled) {
				c.err = err
			}
			return
		}
		if err == nil {
			err = errors.New("it ended by itself")
		}
		c.err = fmt.Errorf("%s: %w", name, err)
		select {
		case s.failed <- c.err:
		default: // an earlier failure is on its way already
		}
	}()
	return c
}

// end cancels one component and waits for it.
func (s *stack) end(c *component) error {
	s.mu.Lock()
	for i, other := range s.running {
		if other == c {
			s.running = append(s.running[:i], s.running[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	return s.finish(c)
}

func (s *stack) finish(c *component) error {
	began := time.Now()
	c.cancel()
	<-c.done
	s.logger.Debug("component ended", "component", c.name, "took", time.Since(began))
	return c.err
}

// stop ends what is running, last in, first out, and returns what the components said on their way out.
func (s *stack) stop() error {
	var errs []error
	for {
		s.mu.Lock()
		n := len(s.running)
		if n == 0 {
			s.mu.Unlock()
			return errors.Join(errs...)
		}
		c := s.running[n-1]
		s.running = s.running[:n-1]
		s.mu.Unlock()
		if err := s.finish(c); err != nil {
			errs = append(errs, err)
		}
	}
}
