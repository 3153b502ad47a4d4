package instrument

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// ownedNames are the names of the metrics that a Metrics declared: no guarded collector may send one.
type ownedNames struct {
	mu    sync.RWMutex
	names map[string]bool // whether it is exposed with _sum, _count and perhaps _bucket
}

func (o *ownedNames) has(name string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.names[name]
	return ok
}

func (o *ownedNames) compound(name string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.names[name]
}

// add takes down what a collector describes.
func (o *ownedNames) add(c prometheus.Collector) {
	compound := true
	switch c.(type) {
	case prometheus.Counter, prometheus.Gauge, *prometheus.CounterVec, *prometheus.GaugeVec, *CounterVec, *GaugeVec:
		compound = false
	}
	descs, err := described(c.Describe)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range descs {
		if name, _ := descNames(d); name != "" {
			o.names[name] = compound
		}
	}
}
