package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// flights let those who ask the same at the same moment share one answer. What has been answered is not kept: whoever asks
// later gets a fresh one.
//
// The work has a context and a time-out of its own, so that a client which leaves takes nothing from the others. It counts until it
// ends: clients that ask and leave cannot have more of it done at once than those that wait.
type flights[T any] struct {
	timeout time.Duration
	most    int // at once
	logger  *slog.Logger

	mu     sync.Mutex
	ctx    context.Context // of all work
	closed bool
	group  sync.WaitGroup
	byKey  map[string]*flight[T]
}

type flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

var errEnding = errors.New("the adapter is ending")

func newFlights[T any](ctx context.Context, timeout time.Duration, most int, logger *slog.Logger) *flights[T] {
	return &flights[T]{ctx: ctx, timeout: timeout, most: most, logger: logger, byKey: map[string]*flight[T]{}}
}

// do returns what work returns, this call's or that of another one with the same key under way. Work must return when its
// context ends; an end of ctx is not waited for.
func (f *flights[T]) do(ctx context.Context, key string, work func(context.Context) (T, error)) (T, error) {
	var none T
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return none, errEnding
	}
	one := f.byKey[key]
	if one == nil && len(f.byKey) >= f.most {
		f.mu.Unlock()
		return none, failf(tooMany, "more than %d answers are under way, some for clients that have left", f.most)
	}
	if one == nil {
		one = &flight[T]{done: make(chan struct{})}
		f.byKey[key] = one
		f.group.Go(func() { f.fly(key, one, work) })
	}
	f.mu.Unlock()
	select {
	case <-one.done:
		return one.value, one.err
	case <-ctx.Done():
		if f.ctx.Err() != nil {
			return none, errEnding
		}
		return none, fmt.Errorf("there was no answer in time: %w", ctx.Err())
	}
}

func (f *flights[T]) fly(key string, one *flight[T], work func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(f.ctx, f.timeout)
	defer cancel()
	defer func() {
		if fault := recover(); fault != nil {
			f.logger.Error("answering a request failed badly; please report it", "panic", fmt.Sprint(fault))
			one.err = errors.New("the adapter has a fault; its log has more")
		}
		f.mu.Lock()
		delete(f.byKey, key)
		f.mu.Unlock()
		close(one.done)
	}()
	one.value, one.err = work(ctx)
}

// close waits for the work under way; whoever asks after it is refused.
func (f *flights[T]) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.group.Wait()
}
