package supervise

import "github.com/prometheus/client_golang/prometheus"

// The reasons of truecount_supervise_worker_exits_total.
const (
	exitKilled       = "killed"        // by a signal, after it was ready
	exitExited       = "exited"        // by itself, after it was ready
	exitNeverReady   = "never_ready"   // either way, before it was ready
	exitDrained      = "drained"       // as asked
	exitDrainTimeout = "drain_timeout" // killed, as it did not end as asked
)

type metrics struct {
	desired, ready, workers prometheus.Gauge
	waiting                 prometheus.Gauge
	starts                  prometheus.Counter
	exits                   *prometheus.CounterVec
	droppedLines            prometheus.Counter

	collectors []prometheus.Collector
	registerer prometheus.Registerer
}

// newMetrics registers the instruments with the label application; reg may be nil.
func newMetrics(reg prometheus.Registerer, application string) (*metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "truecount", Subsystem: "supervise", Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "truecount", Subsystem: "supervise", Name: name, Help: help}
	}
	m := &metrics{
		desired: gauge("replicas_desired", "Replicas last asked for."),
		ready:   gauge("replicas_ready", "Replicas that serve."),
		workers: gauge("workers", "Worker processes that run, draining ones included."),
		waiting: gauge("workers_waiting", "Workers that died before they were ready and wait for their next start."),
		starts:  prometheus.NewCounter(counter("worker_starts_total", "Worker processes started.")),
		exits: prometheus.NewCounterVec(counter("worker_exits_total",
			"Worker processes ended: killed or exited after they were ready, never_ready, drained as asked, or drain_timeout."), []string{"reason"}),
		droppedLines: prometheus.NewCounter(counter("output_lines_dropped_total",
			"Lines written by workers that were dropped because the output was too slow.")),
	}
	for _, reason := range []string{exitKilled, exitExited, exitNeverReady, exitDrained, exitDrainTimeout} {
		m.exits.WithLabelValues(reason)
	}
	m.collectors = []prometheus.Collector{m.desired, m.ready, m.workers, m.waiting, m.starts, m.exits, m.droppedLines}
	if reg == nil {
		return m, nil
	}
	m.registerer = prometheus.WrapRegistererWith(prometheus.Labels{"application": application}, reg)
	for i, c := range m.collectors {
		if err := m.registerer.Register(c); err != nil {
			m.collectors = m.collectors[:i]
			m.unregister()
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.collectors {
		m.registerer.Unregister(c)
	}
}

// observe sets the gauges to what a snapshot shows.
func (m *metrics) observe(s Snapshot) {
	var ready, workers, waiting int
	for _, r := range s.Replicas {
		if r.Ready {
			ready++
		}
		for _, w := range r.Workers {
			if w.PID != 0 {
				workers++
			}
			if w.State == Waiting {
				waiting++
			}
		}
	}
	m.desired.Set(float64(s.Desired))
	m.ready.Set(float64(ready))
	m.workers.Set(float64(workers))
	m.waiting.Set(float64(waiting))
}
