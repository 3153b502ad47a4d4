package merge

import (
	"errors"
	"time"
)

// What a reading means for the lives of workers. All of it runs under the Merger's lock.

// accept takes in a good answer.
func (m *Merger) accept(r *reader, a *answer, began time.Time, order uint64) {
	g := m.lifeOf(r, a)
	if g == nil || order < g.order { // overtaken: another endpoint of the same life was read since
		return
	}
	m.sequence++
	m.hasRead = true
	o := g.apply(m.ledger, a.reading, m.sequence)
	m.metrics.skip(a.reading.Skipped, o)
	m.metrics.Retained.Set(float64(m.ledger.series))
	g.up, g.readAt, g.order, g.saidAt = true, began, order, a.saidAt
	r.last, r.err = a.reading, nil
	r.worker = Worker{ID: g.worker, PID: g.pid, Start: g.start, Endpoint: r.endpoint, LastRead: began}
	if a.drained {
		g.drained = true
		m.end(r, "drained")
		return
	}
	m.setState(r, WorkerUp)
}

// lifeOf finds the generation that gave the answer, or returns nil if the answer is not to be added.
func (m *Merger) lifeOf(r *reader, a *answer) *generation {
	if g := r.gen; g != nil {
		switch {
		case g.id == a.id:
			return g
		// The start time of a process is reckoned from the boot time, which moves when the clock is set. Without a
		// header, it takes something counted that is lower or gone to tell another process.
		case !a.certain && m.departed.peek(a.id) == nil && g.continues(a.reading):
			delete(m.living, g.id)
			g.id, g.start = a.id, a.start
			m.living[g.id] = r
			return g
		}
		m.end(r, "lost")
	}
	if owner := m.living[a.id]; owner != nil {
		if owner.state == WorkerUp {
			m.fail(r, &readError{reasonDuplicate, errors.New("it is the same worker as " + owner.endpoint.String())})
			return nil
		}
		r.gen, owner.gen = owner.gen, nil // it moved
		m.setState(owner, WorkerDead)
		m.living[a.id] = r
		return r.gen
	}
	g, known := m.departed.take(a.id)
	if !known && !a.certain {
		if g = m.departed.takeContinued(a); g != nil {
			g.id, g.start = a.id, a.start
		}
	}
	switch {
	case g != nil && g.drained && a.drained:
		m.departed.add(g) // its last totals were taken already
		return nil
	case g != nil:
		g.drained = false
		m.metrics.generations.WithLabelValues("returned").Inc()
	default:
		g = newGeneration(a.id, a.worker, a.pid, a.start)
		g.baseline = known
		event := "started"
		if known {
			event = "returned"
		}
		m.metrics.generations.WithLabelValues(event).Inc()
	}
	r.gen = g
	m.living[a.id] = r
	return g
}

// fail takes note that a reading did not succeed. Where nobody listens, the worker is dead; else it may only be stuck.
func (m *Merger) fail(r *reader, err error) {
	why := reasonOf(err)
	r.err = err
	if why == reasonRefused {
		if r.gen != nil {
			m.metrics.readErrors.WithLabelValues(string(why)).Inc()
			m.end(r, "lost")
		} else if r.state == WorkerDrained || r.state == WorkerDown {
			r.worker = Worker{}
			m.setState(r, "")
		}
		return // a port of the range that no worker has taken is no fault
	}
	m.metrics.readErrors.WithLabelValues(string(why)).Inc()
	if r.state != WorkerDown {
		m.log.Warn("worker is down: its counts stand, its gauges leave", "worker", r.name(), "endpoint", r.endpoint.String(), "reason", string(why), "err", err)
	}
	if r.gen != nil {
		r.gen.up = false
	}
	m.setState(r, WorkerDown)
}

// end ends the life that r has. Its totals are in the ledger already; it is kept for a while in case it comes back.
func (m *Merger) end(r *reader, event string) {
	g := r.gen
	g.leave(m.ledger)
	delete(m.living, g.id)
	m.departed.add(g)
	m.ended = true
	m.metrics.generations.WithLabelValues(event).Inc()
	m.log.Info("worker ended", "worker", g.worker, "endpoint", r.endpoint.String(), "how", event)
	r.gen, r.last = nil, nil
	if event == "drained" {
		m.setState(r, WorkerDrained)
	} else {
		m.setState(r, WorkerDead)
	}
}

// name is what metrics and logs call the worker behind r.
func (r *reader) name() string {
	if r.worker.ID != "" {
		return r.worker.ID
	}
	return r.endpoint.String()
}

// setState moves r to a state and the metrics with it; "" takes it out of them.
func (m *Merger) setState(r *reader, s WorkerState) {
	before := r.state
	if before == s {
		return
	}
	r.state = s
	if before != "" {
		m.metrics.Workers.WithLabelValues(string(before)).Dec()
	}
	if s != "" {
		m.metrics.Workers.WithLabelValues(string(s)).Inc()
	}
	m.showUp()
	if s == WorkerUp {
		m.log.Info("worker is up", "worker", r.name(), "endpoint", r.endpoint.String())
	}
}

// showUp rewrites the worker_up metric: a pid moves between endpoints and two endpoints may have known the same one. Who is up or
// down may be alive.
func (m *Merger) showUp() {
	m.metrics.workerUp.Reset()
	up, down := 0, 0
	for _, r := range m.readers {
		if r.state == "" || r.state == WorkerDrained {
			continue
		}
		shown := m.metrics.workerUp.WithLabelValues(r.name())
		switch r.state {
		case WorkerUp:
			up++
			shown.Set(1)
		case WorkerDown:
			down++
		}
	}
	m.metrics.Completeness.Set(1)
	if up+down > 0 {
		m.metrics.Completeness.Set(float64(up) / float64(up+down))
	}
}

// Workers lists the endpoints that have or had a worker, in the Source's order.
func (m *Merger) Workers() []Worker {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Worker, 0, len(m.readers))
	for _, r := range m.readers {
		if r.state == "" {
			continue
		}
		w := r.worker
		w.Replica, w.Endpoint, w.State, w.Up = m.options.Name, r.endpoint, r.state, r.state == WorkerUp
		if w.ID == "" {
			w.ID = r.endpoint.String()
		}
		if r.err != nil {
			w.Error = r.err.Error()
		}
		out = append(out, w)
	}
	return out
}
