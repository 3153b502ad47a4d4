package pydir

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// self is what this process itself costs. Asking the kernel takes a twentieth of a scrape and makes more garbage than
// all the rest, so Run does it meanwhile.
type self struct {
	collector prometheus.Collector
	mu        sync.Mutex
	asked     time.Time
	metrics   []prometheus.Metric
}

const (
	processEvery  = time.Second     // how old it becomes while Run asks
	processOldest = 5 * time.Second // how old it may be when a scrape comes
)

func newSelf() *self {
	return &self{collector: collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
}

// Describe is of [prometheus.Collector].
func (p *self) Describe(to chan<- *prometheus.Desc) { p.collector.Describe(to) }

// Collect is of [prometheus.Collector].
func (p *self) Collect(to chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ask(processOldest)
	for _, metric := range p.metrics {
		to <- metric
	}
}

// refresh asks if it is time.
func (p *self) refresh() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ask(processEvery)
}

// ask asks if the last answer is too old.
func (p *self) ask(oldest time.Duration) {
	now := time.Now()
	if !p.asked.IsZero() && now.Sub(p.asked) < oldest {
		return
	}
	p.asked, p.metrics = now, p.metrics[:0]
	from := make(chan prometheus.Metric)
	go func() { // ends with the collector's answer
		defer close(from)
		p.collector.Collect(from)
	}()
	for metric := range from {
		p.metrics = append(p.metrics, metric)
	}
}
