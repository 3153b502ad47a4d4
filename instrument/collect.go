package instrument

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A CollectFunc sends the metrics of one scrape. It may be asked from any goroutine, by one scrape at a time, and should
// return when ctx is done: that is before the scraper gives up. What it sent before it failed is exposed.
type CollectFunc func(ctx context.Context, ch chan<- prometheus.Metric) error

// Register registers a collector that has no method of its own here: a function's value, a database's numbers, a
// collector of one's own. name is for people, "newest_walk"; it says in the log and in metrics which collector failed,
// and must be unique among the collectors of m.
//
// The collector becomes part of the registry, so that every gatherer sees what it sends, but it is guarded: however it
// fails, all other metrics are served.
//
//   - A panic is recovered, in its metrics' Write methods, too.
//   - Each scrape asks it once, and it runs once at a time. Scrapes that come while it runs share the next run.
//   - A run that is not back at the scrape's deadline (see [Metrics.Handler]) is left behind, and the scrape goes on
//     without it. As long as that run lasts no other is begun, so one that hangs costs two goroutines and no more.
//   - What it sent before it failed is exposed. A value of an earlier scrape never is.
//   - Metrics that would spoil the scrape are dropped: those that it or another collector sent already, those that are
//     invalid, those whose type, help or label names differ from others of their name, and those beyond
//     Options.MaxCollected.
//     Of two collectors, one that describes its metrics wins over one that doesn't, then the first registered.
//
// What happened is exposed as
//
//	instrument_collector_success{collector}                  gauge; 1 if all that it sent in this scrape is exposed
//	instrument_collector_duration_seconds{collector}         gauge; of the run, so far if it still lasts
//	instrument_collector_failures_total{collector,reason}    counter; reason is error, panic or timeout
//	instrument_collector_dropped_total{collector,reason}     counter; duplicate, invalid, inconsistent, budget, or see [Drop]
//
// and logged once when it begins to fail and once when it works again.
func (m *Metrics) Register(name string, c prometheus.Collector) error {
	if c == nil {
		return m.guard(name, nil, nil)
	}
	return m.guard(name, func(_ context.Context, ch chan<- prometheus.Metric) error { c.Collect(ch); return nil }, c.Describe)
}

// RegisterFunc registers metrics that are computed at each scrape. descs are the metrics that collect may send; without
// any, it may send whatever it wants. It is guarded as [Metrics.Register] says; an error that it returns means that what
// it sent is incomplete.
func (m *Metrics) RegisterFunc(name string, collect CollectFunc, descs ...*prometheus.Desc) error {
	return m.guard(name, collect, func(ch chan<- *prometheus.Desc) {
		for _, d := range descs {
			ch <- d
		}
	})
}

// Unregister ends what was registered as name with [Metrics.Register] or [Metrics.RegisterFunc], and says whether there
// was such a collector. A run under way is not waited for; what it sends is not exposed any more.
func (m *Metrics) Unregister(name string) bool {
	g := m.guards.remove(collectorName(name))
	if g == nil {
		return false
	}
	if len(g.descs) > 0 {
		m.registerer.Unregister(g)
	}
	return true
}

// Expect exposes that a collector is still to come: instrument_collector_success{collector} is 0 until one is registered as
// name, or forget is called. It is for those who have to wait for what they collect from.
func (m *Metrics) Expect(name string) (forget func()) { return m.guards.expect(collectorName(name)) }

func (m *Metrics) guard(name string, collect CollectFunc, describe func(chan<- *prometheus.Desc)) error {
	failed := func(err error) error { return fmt.Errorf("instrument: collector %q: %w", name, err) }
	switch {
	case strings.TrimSpace(name) == "":
		return failed(errors.New("the name is empty: it is the value of the label collector"))
	case collect == nil:
		return failed(errors.New("there is nothing to collect: the collector or function is nil"))
	}
	descs, err := described(describe)
	if err != nil {
		return failed(err)
	}
	g := newGuard(collectorName(name), m.maxCollected, collect, descs, m.logger)
	if !m.guards.add(g) {
		return failed(errors.New("another collector has this name: give each its own"))
	}
	// client_golang calls a collector without descriptions unchecked, and could never unregister it.
	if len(descs) > 0 {
		if err := m.registerer.Register(g); err != nil {
			m.guards.remove(g.name)
			return failed(registrationError("", err))
		}
	}
	return nil
}

// described asks a collector once for what it may send.
func described(describe func(chan<- *prometheus.Desc)) (descs []*prometheus.Desc, err error) {
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		err = recovered(func() { describe(ch) })
	}()
	for d := range ch {
		descs = append(descs, d)
	}
	return descs, err
}

// collectorName makes a valid and short label value of a name.
func collectorName(name string) string { return sanitized(bounded(name)) }
