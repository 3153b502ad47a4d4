package database

import (
	"database/sql"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
)

// PoolState is the state of a pool of connections at one moment. The counts are since the pool was made.
type PoolState struct {
	// MaxConnections is the most that may be open, 0 if there is no limit.
	MaxConnections int
	// Idle connections wait for work; the others, InUse, have some or are being opened.
	Idle, InUse int
	// Waits is how often somebody had to wait for a connection, WaitTime for how long in all.
	Waits    int64
	WaitTime time.Duration
	// Connections that were closed because too many were idle, one was idle for too long or had grown too old.
	ClosedMaxIdle, ClosedMaxIdleTime, ClosedMaxLifetime int64
}

// StateOf returns what database/sql knows about its pool.
func StateOf(s sql.DBStats) PoolState {
	return PoolState{
		MaxConnections: s.MaxOpenConnections, Idle: s.Idle, InUse: s.InUse,
		Waits: s.WaitCount, WaitTime: s.WaitDuration,
		ClosedMaxIdle: s.MaxIdleClosed, ClosedMaxIdleTime: s.MaxIdleTimeClosed, ClosedMaxLifetime: s.MaxLifetimeClosed,
	}
}

// pools are the pools of one database: usually one, for a while two when it is opened anew. They are added up.
type pools struct {
	mu      sync.Mutex
	used    bool
	states  map[*func() PoolState]struct{}
	retired PoolState // the counts of those that are gone: counters must not fall
}

// WatchDB exposes the state of a pool of database/sql until stop is called. [Handle.Open] and [Handle.OpenDB] do it
// themselves.
func (h *Handle) WatchDB(db *sql.DB) (stop func()) {
	return h.WatchPool(func() PoolState { return StateOf(db.Stats()) })
}

// WatchPool exposes the state of a pool until stop is called, which may be done more than once. The function is called
// at each scrape and must not block.
func (h *Handle) WatchPool(state func() PoolState) (stop func()) {
	p, key := &h.pools, &state
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.states == nil {
		p.states = map[*func() PoolState]struct{}{}
	}
	p.used = true
	p.states[key] = struct{}{}
	return func() { p.retire(key) }
}

func (p *pools) retire(key *func() PoolState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, watched := p.states[key]; !watched {
		return
	}
	delete(p.states, key)
	last := (*key)()
	last.MaxConnections, last.Idle, last.InUse = 0, 0, 0
	p.retired = p.retired.plus(last)
}

// state adds up all pools; without any, watched is false.
func (p *pools) state() (sum PoolState, unlimited, watched bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum = p.retired
	for key := range p.states {
		state := (*key)()
		unlimited = unlimited || state.MaxConnections <= 0
		sum = sum.plus(state)
	}
	return sum, unlimited, p.used
}

func (s PoolState) plus(o PoolState) PoolState {
	return PoolState{
		MaxConnections: s.MaxConnections + o.MaxConnections, Idle: s.Idle + o.Idle, InUse: s.InUse + o.InUse,
		Waits: s.Waits + o.Waits, WaitTime: s.WaitTime + o.WaitTime,
		ClosedMaxIdle:     s.ClosedMaxIdle + o.ClosedMaxIdle,
		ClosedMaxIdleTime: s.ClosedMaxIdleTime + o.ClosedMaxIdleTime,
		ClosedMaxLifetime: s.ClosedMaxLifetime + o.ClosedMaxLifetime,
	}
}

type poolDescs struct{ connections, limit, waits, waitTime, closed *prometheus.Desc }

func newPoolDescs(m *instrument.Metrics) poolDescs {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(m.Name(name, name), help, append(append([]string{}, databaseLabels...), more...), nil)
	}
	return poolDescs{
		connections: desc("db_pool_connections", "Connections of the pool, by state: idle, or in use, which includes those being opened.", "state"),
		limit:       desc("db_pool_max_connections", "The most connections that the pool may have open, +Inf without a limit."),
		waits:       desc("db_pool_waits_total", "How often somebody had to wait for a connection of the pool."),
		waitTime:    desc("db_pool_wait_seconds_total", "How long was waited for connections of the pool in all."),
		closed:      desc("db_pool_closed_total", "Connections that the pool closed, by the limit that they exceeded.", "reason"),
	}
}

func (d poolDescs) all() []*prometheus.Desc {
	return []*prometheus.Desc{d.connections, d.limit, d.waits, d.waitTime, d.closed}
}

func (h *Handle) collectPools(ch chan<- prometheus.Metric) {
	s, unlimited, watched := h.pools.state()
	if !watched {
		return
	}
	limit := float64(s.MaxConnections)
	if unlimited {
		limit = math.Inf(1)
	}
	d := h.metrics.poolDesc
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value, append([]string{h.alias, h.vendor}, more...)...)
	}
	send(d.connections, prometheus.GaugeValue, float64(s.Idle), "idle")
	send(d.connections, prometheus.GaugeValue, float64(s.InUse), "in_use")
	send(d.limit, prometheus.GaugeValue, limit)
	send(d.waits, prometheus.CounterValue, float64(s.Waits))
	send(d.waitTime, prometheus.CounterValue, s.WaitTime.Seconds())
	send(d.closed, prometheus.CounterValue, float64(s.ClosedMaxIdle), "max_idle")
	send(d.closed, prometheus.CounterValue, float64(s.ClosedMaxIdleTime), "max_idle_time")
	send(d.closed, prometheus.CounterValue, float64(s.ClosedMaxLifetime), "max_lifetime")
}
