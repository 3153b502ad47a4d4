package instrument

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// guards are the guarded collectors of one Metrics. To the registry they are one collector, because what one of them sends
// must fit to what the others do.
type guards struct {
	owned    *ownedNames
	deadline func(now time.Time) time.Time

	success, duration, failures, dropped *prometheus.Desc

	mu       sync.Mutex
	list     []*guard // those that describe their metrics first, then as they were registered
	expected map[string]int
}

func newGuards(namespace string, owned *ownedNames, deadline func(now time.Time) time.Time) *guards {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &guards{
		owned: owned, deadline: deadline, expected: map[string]int{},
		success:  desc("instrument_collector_success", "Whether all that the collector sent in this scrape is exposed (1), or it failed or metrics were dropped (0).", "collector"),
		duration: desc("instrument_collector_duration_seconds", "How long the collector's run took in this scrape; so far, if it still lasts.", "collector"),
		failures: desc("instrument_collector_failures_total", "Scrapes in which the collector failed, by reason.", "collector", "reason"),
		dropped:  desc("instrument_collector_dropped_total", "Metrics of the collector that were not exposed, by reason.", "collector", "reason"),
	}
}

// guardNames reserves the names of the guards' own metrics on the registry.
type guardNames struct{ guards *guards }

func (n guardNames) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{n.guards.success, n.guards.duration, n.guards.failures, n.guards.dropped} {
		ch <- d
	}
}

func (n guardNames) Collect(chan<- prometheus.Metric) {}

// add says whether the name was free.
func (s *guards) add(g *guard) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.list, func(other *guard) bool { return other.name == g.name }) {
		return false
	}
	at := len(s.list)
	if len(g.descs) > 0 {
		at = slices.IndexFunc(append(slices.Clip(s.list), &guard{}), func(other *guard) bool { return len(other.descs) == 0 })
	}
	s.list = slices.Insert(slices.Clone(s.list), at, g)
	return true
}

// remove returns what was removed, nil if there is none of that name.
func (s *guards) remove(name string) *guard {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(g *guard) bool { return g.name == name })
	if i < 0 {
		return nil
	}
	g := s.list[i]
	s.list = slices.Delete(slices.Clone(s.list), i, i+1)
	return g
}

// expect counts one who waits for a collector of that name, until forget is called.
func (s *guards) expect(name string) (forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected[name]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.expected[name]--; s.expected[name] == 0 {
			delete(s.expected, name)
		}
	})
}

// snapshot returns the collectors, and the names of those that are still to come.
func (s *guards) snapshot() (list []*guard, missing []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.expected {
		if !slices.ContainsFunc(s.list, func(g *guard) bool { return g.name == name }) {
			missing = append(missing, name)
		}
	}
	return slices.Clip(s.list), missing
}

// Describe sends nothing: which metrics there will be is not known, and the registry does not ask again.
func (s *guards) Describe(chan<- *prometheus.Desc) {}

// Collect runs all collectors at once and sends what is good, at the latest at the scrape's deadline.
func (s *guards) Collect(ch chan<- prometheus.Metric) {
	deadline := s.deadline(time.Now()) // taken by every scrape, also for nobody
	list, missing := s.snapshot()
	for _, name := range missing {
		ch <- prometheus.MustNewConstMetric(s.success, prometheus.GaugeValue, 0, name)
	}
	if len(list) == 0 {
		return
	}
	scrape, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	results := make([]result, len(list))
	var wg sync.WaitGroup
	for i, g := range list {
		wg.Go(func() { results[i] = g.result(scrape) })
	}
	wg.Wait()

	check := newConsistency(s.owned)
	for i, g := range list {
		res := results[i]
		for _, metric := range res.sent {
			if reason, cause := check.admit(metric); reason != "" {
				res.drop(reason, cause)
				continue
			}
			ch <- metric
		}
		s.expose(ch, g, res)
	}
}

func (s *guards) expose(ch chan<- prometheus.Metric, g *guard, res result) {
	success, took, health := g.count(res)
	send := func(desc *prometheus.Desc, t prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, t, value, labels...)
	}
	one := 0.0
	if success {
		one = 1
	}
	send(s.success, prometheus.GaugeValue, one, g.name)
	send(s.duration, prometheus.GaugeValue, took.Seconds(), g.name)
	for _, reason := range reasons(health.failures) {
		send(s.failures, prometheus.CounterValue, float64(health.failures[reason]), g.name, reason)
	}
	for _, reason := range reasons(health.dropped) {
		send(s.dropped, prometheus.CounterValue, float64(health.dropped[reason]), g.name, reason)
	}
}
