package instrument

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// A CollectFunc sends the metrics of one scrape. It is asked once per scrape, from any goroutine, and should return when
// ctx is done: that is before the scraper gives up. What it sent before it failed is exposed.
type CollectFunc func(ctx context.Context, ch chan<- prometheus.Metric) error

// Register registers a collector that has no method of its own here: a function's value, a database's numbers, a
// collector of one's own. name is for people, "newest_walk"; it says in the log and in metrics which collector failed.
func (m *Metrics) Register(name string, c prometheus.Collector) error {
	if err := m.registerer.Register(c); err != nil {
		return fmt.Errorf("instrument: collector %q: %w", name, registrationError("", err))
	}
	return nil
}

// RegisterFunc registers metrics that are computed at each scrape. descs are the metrics that collect may send; without
// any, it may send whatever it wants.
func (m *Metrics) RegisterFunc(name string, collect CollectFunc, descs ...*prometheus.Desc) error {
	return m.Register(name, &funcCollector{collect: collect, descs: descs, metrics: m})
}

type funcCollector struct {
	collect CollectFunc
	descs   []*prometheus.Desc
	metrics *Metrics
}

func (c *funcCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

func (c *funcCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), c.metrics.scrapeTimeout)
	defer cancel()
	if err := c.collect(ctx, ch); err != nil {
		c.metrics.logger.Error("collector failed", "error", err)
	}
}
