package cache

import (
	"context"
	"errors"
	"slices"
)

// A Getter is a cache that tells a miss by an error.
type Getter[K, V any] interface {
	Get(ctx context.Context, key K) (V, error)
}

// GetFunc makes a function a [Getter], for caches whose method has another name or other results:
//
//	cache.GetFunc[string, []byte](func(ctx context.Context, key string) ([]byte, error) {
//		return client.Get(ctx, key).Bytes()
//	})
type GetFunc[K, V any] func(ctx context.Context, key K) (V, error)

// Get calls f.
func (f GetFunc[K, V]) Get(ctx context.Context, key K) (V, error) { return f(ctx, key) }

// Wrap returns a cache that asks next and counts what it answered: no error is a hit, an error of which missed says
// true a miss, and any other a failure, as are a context that ended and a panic. What next returned is returned
// unchanged. [MissIs] makes missed of the errors that mean a miss; with nil, every error is a failure.
func Wrap[K, V any](b *Backend, next Getter[K, V], missed func(error) bool) Getter[K, V] {
	if missed == nil {
		missed = func(error) bool { return false }
	}
	return &getter[K, V]{backend: b, next: next, missed: missed}
}

// MissIs returns whether an error is one of those that mean a miss, as [errors.Is] tells it.
func MissIs(misses ...error) func(error) bool {
	misses = slices.Clone(misses)
	return func(err error) bool {
		return slices.ContainsFunc(misses, func(miss error) bool { return errors.Is(err, miss) })
	}
}

type getter[K, V any] struct {
	backend *Backend
	next    Getter[K, V]
	missed  func(error) bool
}

func (g *getter[K, V]) Get(ctx context.Context, key K) (value V, err error) {
	g.backend.Began(1)
	returned := false
	defer func() {
		switch {
		case !returned:
			g.backend.Failed(1)
		case err == nil:
			g.backend.Hit(1)
		case g.missed(err):
			g.backend.Missed(1)
		default:
			g.backend.Failed(1)
		}
	}()
	value, err = g.next.Get(ctx, key)
	returned = true
	return value, err
}

// A Lookup is a cache that tells a miss by its second result, as those in memory do.
type Lookup[K, V any] interface {
	Get(key K) (V, bool)
}

// WrapLookup returns a cache that asks next and counts what it answered: true is a hit, whatever the value, and false
// a miss. A panic is a failure.
func WrapLookup[K, V any](b *Backend, next Lookup[K, V]) Lookup[K, V] {
	return &lookup[K, V]{backend: b, next: next}
}

type lookup[K, V any] struct {
	backend *Backend
	next    Lookup[K, V]
}

func (l *lookup[K, V]) Get(key K) (value V, ok bool) {
	l.backend.Began(1)
	returned := false
	defer func() {
		switch {
		case !returned:
			l.backend.Failed(1)
		case ok:
			l.backend.Hit(1)
		default:
			l.backend.Missed(1)
		}
	}()
	value, ok = l.next.Get(key)
	returned = true
	return value, ok
}
