package cache

import "github.com/prometheus/client_golang/prometheus"

// Backend counts the lookups in one cache. It comes from [Backends.Backend]; its methods may be called concurrently.
//
// Each lookup is one call of Began and then one of Hit, Missed and Failed, which [Wrap] and [WrapLookup] make. A nil
// Backend counts nothing, so that code can be tested without metrics.
type Backend struct{ counters [outcomes]prometheus.Counter }

// outcome is what is counted of a lookup; it is an index.
type outcome int

const (
	gets outcome = iota
	hits
	misses
	failures
	outcomes
)

// Began counts n lookups that begin: those that hang are then seen as the difference to the other three. A number that
// is 0 or negative counts nothing, here as in the others.
func (b *Backend) Began(n int) { b.add(gets, n) }

// Hit counts n keys that were found.
func (b *Backend) Hit(n int) { b.add(hits, n) }

// Missed counts n keys that were not there.
func (b *Backend) Missed(n int) { b.add(misses, n) }

// Failed counts n lookups that were not answered.
func (b *Backend) Failed(n int) { b.add(failures, n) }

func (b *Backend) add(o outcome, n int) {
	if n > 0 && b != nil {
		b.counters[o].Add(float64(n))
	}
}
