package server

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// registrations hand collectors on to a registry and remember them, so that a server that ends, or fails to start, leaves the
// registry as it found it.
type registrations struct {
	registry prometheus.Registerer
	mu       sync.Mutex
	held     []prometheus.Collector
}

// Register implements [prometheus.Registerer].
func (r *registrations) Register(c prometheus.Collector) error {
	if err := r.registry.Register(c); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = append(r.held, c)
	return nil
}

// MustRegister implements [prometheus.Registerer]; it panics on a collector that is already there.
func (r *registrations) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister implements [prometheus.Registerer].
func (r *registrations) Unregister(c prometheus.Collector) bool { return r.registry.Unregister(c) }

func (r *registrations) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.held {
		r.registry.Unregister(c)
	}
	r.held = nil
}
