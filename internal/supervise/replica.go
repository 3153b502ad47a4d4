package supervise

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"
)

// replica is a group of workers. The control loop owns it.
type replica struct {
	ordinal   int
	name      string
	dir       string
	startedAt time.Time
	slots     []*slot
	// lingering are former workers of which others in their group still run.
	lingering []*process
	draining  bool
	clean     bool // its metrics directory is its own now
	// complete is set once all workers were ready at the same time.
	complete bool
}

// slot is the place of one worker; processes come and go in it.
type slot struct {
	index   int
	process *process // nil while there is none
	backoff backoff
	reason  string // of the last failure
}

func (o *Options) newReplica(ordinal int, now time.Time) *replica {
	name := replicaName(o.Name, ordinal)
	r := &replica{ordinal: ordinal, name: name, dir: filepath.Join(o.RuntimeDir, name), startedAt: now}
	for i := range o.processes() {
		r.slots = append(r.slots, &slot{index: i})
	}
	return r
}

// gone says whether nothing of the replica runs any more.
func (r *replica) gone() bool {
	return len(r.lingering) == 0 && !slices.ContainsFunc(r.slots, func(s *slot) bool { return s.process != nil })
}

func (r *replica) countReady() int {
	n := 0
	for _, s := range r.slots {
		if s.process != nil && s.process.state() == Ready {
			n++
		}
	}
	return n
}

func (r *replica) ready() bool { return r.complete && !r.draining && r.countReady() > 0 }

func (r *replica) state() State {
	switch {
	case r.draining:
		return Draining
	case r.ready():
		return Ready
	}
	return Starting
}

// active returns the replicas that are not draining, by ordinal.
func (c *control) active() []*replica {
	var active []*replica
	for _, r := range c.replicas {
		if !r.draining {
			active = append(active, r)
		}
	}
	return active
}

// scale begins and ends replicas until as many are active as wanted: the lowest free ordinal begins, the highest ends.
func (c *control) scale(desired int, now time.Time) {
	active := c.active()
	for i := len(active) - 1; i >= desired; i-- {
		r := active[i]
		r.draining = true
		c.log.Info("replica drains", "replica", r.name)
		for _, s := range r.slots {
			if s.process != nil {
				c.terminate(s.process, now)
			}
		}
	}
	for n := len(active); n < desired; n++ {
		ordinal, ok := c.freeOrdinal()
		if !ok {
			return // one that drains has to end first
		}
		r := c.opts.newReplica(ordinal, now)
		c.replicas = append(c.replicas, r)
		slices.SortFunc(c.replicas, func(a, b *replica) int { return cmp.Compare(a.ordinal, b.ordinal) })
		c.log.Info("replica starts", "replica", r.name)
	}
}

// freeOrdinal returns the lowest ordinal that no replica has, draining ones included.
func (c *control) freeOrdinal() (int, bool) {
	for i := range c.opts.ordinalLimit() {
		if !slices.ContainsFunc(c.replicas, func(r *replica) bool { return r.ordinal == i }) {
			return i, true
		}
	}
	return 0, false
}

// look brings a replica up to date with its processes and starts those that are missing and due.
func (c *control) look(r *replica, now time.Time) {
	for _, p := range r.lingering {
		c.observe(p, now)
	}
	r.lingering = slices.DeleteFunc(r.lingering, func(p *process) bool { return p.gone })
	for _, s := range r.slots {
		c.lookAtSlot(r, s, now)
	}
	if r.countReady() == len(r.slots) {
		r.complete = true
	}
	if c.opts.Manager == ManagerProgram {
		removeDeadSockets(r.dir)
	}
}

func (c *control) lookAtSlot(r *replica, s *slot, now time.Time) {
	if p := s.process; p != nil {
		c.observe(p, now)
		if p.ready {
			s.backoff.succeeded()
		}
		if !p.exited {
			return
		}
		if !p.told(now) {
			c.at(p.exitedAt.Add(reasonTimeout))
			return
		}
		c.bury(r, s, now)
	}
	if r.draining {
		return
	}
	if !s.backoff.due(now) {
		c.at(s.backoff.retryAt)
		return
	}
	p, err := c.spawn(r, s.index, now)
	if err != nil {
		c.failed(r, s, "cannot be started: "+err.Error(), now)
		return
	}
	s.process = p
	c.observe(p, now)
}

// bury empties the slot of a process that has exited, and notes why it did. Only a process that was never ready delays
// the next one.
func (c *control) bury(r *replica, s *slot, now time.Time) {
	p := s.process
	s.process = nil
	if !p.gone {
		r.lingering = append(r.lingering, p)
	}
	kind := exitKind(p, r.draining)
	c.metrics.exits.WithLabelValues(kind).Inc()
	switch kind {
	case exitDrained, exitDrainTimeout:
		c.log.Debug("worker ended", "worker", p.name, "pid", p.pid, "reason", p.reason())
	case exitNeverReady:
		c.failed(r, s, p.reason(), now)
	default:
		s.reason = p.reason()
		c.log.Warn("worker died and is replaced", "worker", p.name, "pid", p.pid, "reason", s.reason)
	}
}

// failed delays the next start of a slot.
func (c *control) failed(r *replica, s *slot, reason string, now time.Time) {
	s.reason = reason
	s.backoff.failed(now)
	c.at(s.backoff.retryAt)
	c.log.Warn("worker failed before it was ready", "replica", r.name, "worker", s.index, "reason", reason,
		"failures", s.backoff.failures, "retry_in", s.backoff.retryAt.Sub(now))
}

func exitKind(p *process, draining bool) string {
	switch {
	case draining && p.killed:
		return exitDrainTimeout
	case draining:
		return exitDrained
	case !p.ready:
		return exitNeverReady
	case p.status.Signaled():
		return exitKilled
	}
	return exitExited
}
