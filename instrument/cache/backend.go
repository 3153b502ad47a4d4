package cache

import "github.com/prometheus/client_golang/prometheus"

// Backend counts the lookups in one cache. It comes from [Backends.Backend]; its methods may be called concurrently.
//
// Each lookup is one call of Began and then one of Hit, Missed and Failed, which [Wrap] and [WrapLookup] make.
type Backend struct {
	gets, hits, misses, failures prometheus.Counter
}

// Began counts n lookups that begin: those that hang are then seen as the difference to the other three.
// A number that is 0 or negative counts nothing, here as in the others.
func (b *Backend) Began(n int) { add(b.gets, n) }

// Hit counts n keys that were found.
func (b *Backend) Hit(n int) { add(b.hits, n) }

// Missed counts n keys that were not there.
func (b *Backend) Missed(n int) { add(b.misses, n) }

// Failed counts n lookups that were not answered.
func (b *Backend) Failed(n int) { add(b.failures, n) }

func add(c prometheus.Counter, n int) {
	if n > 0 {
		c.Add(float64(n))
	}
}
