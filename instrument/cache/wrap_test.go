package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/instrument/cache"
)

var (
	errMiss   = errors.New("redis: nil")
	errBroken = errors.New("connection refused")
)

// answering is a cache with one answer.
type answering struct {
	value any
	err   error
}

func (a answering) Get(context.Context, string) (any, error) { return a.value, a.err }

func TestTheAnswerOfACacheIsCountedAndHandedOn(t *testing.T) {
	for _, tt := range []struct {
		name   string
		value  any
		err    error
		missed func(error) bool
		want   counts
	}{
		{"a value", "Rex", nil, cache.MissIs(errMiss), counts{gets: 1, hits: 1}},
		{"an empty value", "", nil, cache.MissIs(errMiss), counts{gets: 1, hits: 1}},
		{"zero", 0, nil, cache.MissIs(errMiss), counts{gets: 1, hits: 1}},
		{"false", false, nil, cache.MissIs(errMiss), counts{gets: 1, hits: 1}},
		{"nil", nil, nil, cache.MissIs(errMiss), counts{gets: 1, hits: 1}},
		{"a miss", nil, errMiss, cache.MissIs(errMiss), counts{gets: 1, misses: 1}},
		{"a miss that is wrapped", nil, fmt.Errorf("dogs: %w", errMiss), cache.MissIs(errMiss), counts{gets: 1, misses: 1}},
		{"one of two kinds of misses", nil, context.DeadlineExceeded, cache.MissIs(errMiss, context.DeadlineExceeded), counts{gets: 1, misses: 1}},
		{"a miss told by a function", nil, errBroken, func(err error) bool { return err == errBroken }, counts{gets: 1, misses: 1}},
		{"a failure", nil, errBroken, cache.MissIs(errMiss), counts{gets: 1, failures: 1}},
		{"a failure with a value", "old", errBroken, cache.MissIs(errMiss), counts{gets: 1, failures: 1}},
		{"the caller went away", nil, context.Canceled, cache.MissIs(errMiss), counts{gets: 1, failures: 1}},
		{"no error is a miss", nil, errMiss, nil, counts{gets: 1, failures: 1}},
		{"none is given", nil, errMiss, cache.MissIs(), counts{gets: 1, failures: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newBackends(t, "redis")
			counted := cache.Wrap(f.Backend("redis"), answering{tt.value, tt.err}, tt.missed)
			value, err := counted.Get(t.Context(), "key")
			if value != tt.value || err != tt.err {
				t.Errorf("got %v, %v; want %v, %v", value, err, tt.value, tt.err)
			}
			f.expect(t, "redis", tt.want)
		})
	}
}

type inMemory map[string]int

func (m inMemory) Get(key string) (int, bool) {
	value, ok := m[key]
	return value, ok
}

func TestACacheThatTellsAMissByItsSecondResult(t *testing.T) {
	f := newBackends(t, "local")
	counted := cache.WrapLookup(f.Backend("local"), inMemory{"Rex": 7, "puppy": 0})
	for key, want := range map[string]struct {
		value int
		ok    bool
	}{"Rex": {7, true}, "puppy": {0, true}, "Bo": {0, false}} {
		if value, ok := counted.Get(key); value != want.value || ok != want.ok {
			t.Errorf("%s: %d, %t", key, value, ok)
		}
	}
	f.expect(t, "local", counts{gets: 3, hits: 2, misses: 1})
}

type panicking struct{}

func (panicking) Get(string) (int, bool) { panic("broken") }

func TestACacheThatPanicsIsAFailureAndThePanicGoesOn(t *testing.T) {
	f := newBackends(t, "local", "redis")
	expectPanic := func(get func()) {
		t.Helper()
		defer func() {
			if recover() != "broken" {
				t.Error("the panic is gone")
			}
		}()
		get()
	}
	expectPanic(func() { cache.WrapLookup(f.Backend("local"), panicking{}).Get("Rex") })
	f.expect(t, "local", counts{gets: 1, failures: 1})
	getter := cache.GetFunc[string, int](func(context.Context, string) (int, error) { panic("broken") })
	expectPanic(func() { _, _ = cache.Wrap(f.Backend("redis"), getter, nil).Get(t.Context(), "Rex") })
	f.expect(t, "redis", counts{gets: 1, failures: 1})
}

func TestWithoutMetricsNothingIsCountedAndNothingPanics(t *testing.T) {
	if _, err := cache.New(nil, "redis"); err == nil || !strings.Contains(err.Error(), "no metrics given") {
		t.Errorf("got %v", err)
	}
	if value, ok := cache.WrapLookup(nil, inMemory{"Rex": 7}).Get("Rex"); value != 7 || !ok {
		t.Errorf("got %d, %t", value, ok)
	}
	if _, err := cache.Wrap(nil, answering{nil, errMiss}, nil).Get(t.Context(), "Rex"); err != errMiss {
		t.Errorf("got %v", err)
	}
}

func TestALookupThatHangsIsSeenAsBegun(t *testing.T) {
	f := newBackends(t, "redis")
	asked, answer := make(chan struct{}), make(chan struct{})
	counted := cache.Wrap(f.Backend("redis"), cache.GetFunc[string, int](func(context.Context, string) (int, error) {
		close(asked)
		<-answer
		return 1, nil
	}), nil)
	var hanging sync.WaitGroup
	hanging.Go(func() { _, _ = counted.Get(t.Context(), "Rex") })
	<-asked
	f.expect(t, "redis", counts{gets: 1})
	close(answer)
	hanging.Wait()
	f.expect(t, "redis", counts{gets: 1, hits: 1})
}

func BenchmarkWrapLookup(b *testing.B) {
	f := newBackends(b, "local")
	counted := cache.WrapLookup(f.Backend("local"), inMemory{"Rex": 7})
	b.ReportAllocs()
	for b.Loop() {
		counted.Get("Rex")
	}
}
