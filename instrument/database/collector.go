package database

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// collector is one for all metrics, so that they are registered together or not at all.
type collector struct{ metrics *Metrics }

func (m *Metrics) collector() prometheus.Collector { return collector{m} }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, vec := range c.metrics.vectors.all() {
		vec.Describe(ch)
	}
	for _, desc := range c.metrics.poolDesc.all() {
		ch <- desc
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	for _, vec := range c.metrics.vectors.all() {
		vec.Collect(ch)
	}
	c.metrics.mu.Lock()
	handles := slices.Collect(maps.Values(c.metrics.handles))
	c.metrics.mu.Unlock()
	for _, h := range handles {
		h.collectPools(ch)
	}
}
