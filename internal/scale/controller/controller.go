package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// Controller scales one target. Last and Events may be called concurrently with Run and with each other.
type Controller struct {
	options Options
	metrics *metrics
	state   hpa.State // Run's own

	mu     sync.Mutex
	last   Status
	synced bool
	events []Event // oldest first, at most maxEvents
}

// New checks the options and registers the metrics. The controller does nothing before Run.
func New(o Options) (*Controller, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer, o.Name, o.Namespace)
	if err != nil {
		return nil, err
	}
	return &Controller{options: o, metrics: m}, nil
}

// Run syncs at once, then every SyncPeriod and whenever it is woken, until ctx ends; it then returns nil. It must be
// called once. When it returns the metrics are unregistered.
func (c *Controller) Run(ctx context.Context) error {
	defer c.metrics.unregister()
	next := time.NewTimer(0)
	defer next.Stop()
	wake := c.options.Wake
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-wake:
			if !open {
				wake = nil // a closed channel would wake for ever
				continue
			}
			next.Reset(max(0, c.options.MinSyncGap-time.Since(last)))
		case <-next.C:
			last = time.Now()
			c.sync(ctx)
			next.Reset(max(0, c.options.SyncPeriod-time.Since(last)))
		}
	}
}

// Last returns the last decision, or false before the first. What it points to is not to be changed.
func (c *Controller) Last() (Status, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.synced
}

// Events returns the last hundred changes, oldest first.
func (c *Controller) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

// sync asks, decides and scales once.
func (c *Controller) sync(ctx context.Context) {
	o := &c.options
	started := o.Now()
	in := hpa.Input{
		Namespace: o.Namespace,
		Spec:      &o.Spec,
		Replicas:  int32(o.Target.Desired()),
		Pods:      o.Target.Pods(),
		Settings:  o.Settings,
		Now:       started,
	}
	in.Observed = observed(in.Pods)
	in.Readings = c.ask(ctx, in.Pods, started)
	if ctx.Err() != nil {
		return // stopping: what the queries said is about the stop, not about the metrics
	}
	decision, state := hpa.Decide(in, c.state)
	c.state = state
	if decision.Desired != decision.Current {
		o.Target.Scale(int(decision.Desired))
	}
	c.publish(Status{
		Decision:   decision,
		Name:       o.Name,
		Namespace:  o.Namespace,
		Running:    int(in.Observed),
		SyncPeriod: o.SyncPeriod,
		Took:       o.Now().Sub(started),
	})
}

// observed counts the replicas as a scale's status does: those that drain are gone.
func observed(pods []hpa.Pod) (n int32) {
	for i := range pods {
		if !pods[i].Deleting {
			n++
		}
	}
	return n
}

// publish makes a decision visible: to Last, in the events, the metrics and the log.
func (c *Controller) publish(s Status) {
	c.mu.Lock()
	before, synced := c.last, c.synced
	c.last, c.synced = s, true
	event, happened := change(before.Outcome, s)
	if happened {
		if len(c.events) == maxEvents {
			c.events = slices.Delete(c.events, 0, 1)
		}
		c.events = append(c.events, event)
	}
	c.mu.Unlock()

	c.metrics.observe(s)
	log := c.options.Logger.With("application", s.Name, "replicas", s.Current, "desired", s.Desired, "reason", s.Reason())
	switch {
	case happened && event.Kind == Holding:
		log.Warn("autoscaling holds")
	case happened:
		log.Info("autoscaling", "event", string(event.Kind))
	case s.Err != nil && (!synced || before.Err == nil):
		log.Warn("a metric is not known")
	default:
		log.Debug("autoscaling decided")
	}
}

// change tells what is new in a decision.
func change(before hpa.Outcome, s Status) (Event, bool) {
	e := Event{At: s.At, From: int(s.Current), To: int(s.Desired), Reason: s.Reason()}
	switch {
	case s.Desired > s.Current:
		e.Kind = ScaledUp
	case s.Desired < s.Current:
		e.Kind = ScaledDown
	case s.Outcome == hpa.Held && before != hpa.Held:
		e.Kind = Holding
	case s.Outcome != hpa.Held && before == hpa.Held:
		e.Kind = Resumed
	default:
		return Event{}, false
	}
	return e, true
}
