package merge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Merger merges the workers of one replica. Make one with [New].
type Merger struct {
	options    Options
	log        *slog.Logger
	metrics    *metrics
	unregister func()
	gauges     gaugePolicy
	rounds     sync.Mutex     // one caller of the Source at a time
	reading    sync.WaitGroup // readings under way
	page       renderer

	mu       sync.Mutex
	readers  []*reader // as the Source listed them
	leaving  []*reader // no longer listed, with a last reading under way
	ledger   *ledger
	living   map[string]*reader // by the id of the generation that a reader has
	departed *departed
	sequence uint64
	hasRead  bool // some worker, at some time
	ended    bool // some worker, since the state was saved
	sourceOK bool
	closed   bool

	keep *keeper // nil without a state

	version atomic.Uint64
	round   atomic.Uint64 // of readings of all workers
	began   atomic.Uint64 // readings so far: their order, whatever the clock says
}

// New makes a Merger, which goes on from its State if there is one. It reads nothing before [Merger.Run] or [Merger.Read].
func New(o Options) (*Merger, error) {
	m, err := newMerger(o)
	if err != nil && o.State != nil {
		err = errors.Join(err, o.State.Close())
	}
	return m, err
}

func newMerger(o Options) (*Merger, error) {
	o, err := o.orDefault()
	if err != nil {
		return nil, err
	}
	var saved *restored
	var damaged error
	if o.State != nil {
		if saved, damaged, err = restore(o.State, o.Limits); err != nil {
			return nil, err
		}
	}
	own := newMetrics(o.State != nil)
	unregister, err := own.Publish(o.Name, o.Registerer)
	if err != nil {
		return nil, err
	}
	if o.Process {
		own.addProcess()
	}
	m := &Merger{
		options: o, log: o.Logger.With("replica", o.Name), metrics: own, unregister: unregister,
		gauges:   gaugePolicy{o.Gauges, wellKnown},
		ledger:   newLedger(o.Limits.Retained),
		living:   map[string]*reader{},
		departed: newDeparted(o.Limits),
		sourceOK: true,
	}
	if o.State != nil {
		m.keep = newKeeper(m, o.State, damaged)
	}
	if saved != nil {
		m.resume(saved)
	}
	return m, nil
}

// Run reads every Interval until ctx is done, lets readings under way end, closes the Merger and returns nil. A worker
// that is slow misses rounds of its own and of nobody else's.
func (m *Merger) Run(ctx context.Context) error {
	defer m.Close()
	tick := time.NewTicker(m.options.Interval)
	defer tick.Stop()
	for {
		m.start(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// start begins a reading of every endpoint that has none under way.
func (m *Merger) start(ctx context.Context) {
	m.round.Add(1)
	if m.keep != nil {
		m.keep.saveEnded()
	}
	readers, err := m.list(ctx)
	if err != nil && ctx.Err() != nil {
		return
	}
	for _, r := range readers {
		select {
		case r.slot <- struct{}{}:
			m.reading.Go(func() { m.readOne(ctx, r) })
		default: // still busy with the one before
		}
	}
}

// Read makes one round now and waits for it: every endpoint was read by a reading that began after the call, or failed,
// at the latest when its Timeout was over. The error is of the Source or of ctx; what is wrong with a worker is in Workers.
func (m *Merger) Read(ctx context.Context) error {
	defer m.round.Add(1) // who scrapes now is to see all of it
	readers, sourceErr := m.list(ctx)
	var round sync.WaitGroup
	for _, r := range readers {
		round.Go(func() {
			select {
			case r.slot <- struct{}{}:
				m.readOne(ctx, r)
			case <-ctx.Done():
			}
		})
	}
	round.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return sourceErr
}

// Close saves the state and closes it, ends idle connections and takes the Merger's metrics back from its Registerer. Totals
// can still be scraped; what is read later is not saved. Run does it itself; it may be done more than once.
func (m *Merger) Close() {
	m.reading.Wait()
	if m.keep != nil {
		m.keep.close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range slices.Concat(m.readers, m.leaving) {
		r.close()
	}
	if !m.closed {
		m.closed = true
		m.unregister()
	}
}

// list asks the Source and brings the readers in line with it.
func (m *Merger) list(ctx context.Context) ([]*reader, error) {
	m.rounds.Lock()
	defer m.rounds.Unlock()
	endpoints, err := m.options.Source.Endpoints(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			m.metrics.SourceErrors.Inc()
			if m.sourceOK {
				m.log.Warn("cannot list the workers; going on with those known", "err", err)
			}
			m.sourceOK = false
		}
		return slices.Clone(m.readers), fmt.Errorf("merge %q: list the workers: %w", m.options.Name, err)
	}
	m.sourceOK = true
	if extra := len(endpoints) - m.options.Limits.Endpoints; extra > 0 {
		m.metrics.Skipped.WithLabelValues(skippedEndpoint).Add(float64(extra))
		endpoints = endpoints[:m.options.Limits.Endpoints]
	}
	m.reconcile(endpoints)
	return slices.Clone(m.readers), nil
}

// reconcile keeps the readers of endpoints that are still there, makes new ones and retires the rest.
func (m *Merger) reconcile(endpoints []Endpoint) {
	have := make(map[Endpoint]*reader, len(m.readers))
	for _, r := range m.readers {
		have[r.endpoint] = r
	}
	readers := make([]*reader, 0, len(endpoints))
	listed := make(map[Endpoint]bool, len(endpoints))
	for _, e := range endpoints {
		if listed[e] {
			continue
		}
		listed[e] = true
		r := have[e]
		if r == nil {
			r = newReader(e, m.options.Limits.Worker, m.options.Timeout)
		}
		delete(have, e)
		readers = append(readers, r)
	}
	m.readers = readers
	for _, r := range have {
		r.removed = true
		select {
		case r.slot <- struct{}{}:
			m.retire(r)
			<-r.slot
		default:
			m.leaving = append(m.leaving, r) // its last reading may be the one with the last totals
		}
	}
}

// retire ends what a reader that is no longer listed has left.
func (m *Merger) retire(r *reader) {
	if r.gen != nil {
		m.end(r, "lost")
	}
	m.setState(r, "")
	r.close()
	m.leaving = slices.DeleteFunc(m.leaving, func(l *reader) bool { return l == r })
	m.version.Add(1)
}

// readOne reads r, whose slot the caller has taken, and gives the slot back.
func (m *Merger) readOne(ctx context.Context, r *reader) {
	began, order := m.options.Now(), m.began.Add(1)
	a, err := r.read(ctx)
	took := m.options.Now().Sub(began)
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { <-r.slot }()
	switch {
	case err == nil:
		m.metrics.Reads.Inc()
		m.metrics.ReadDuration.Observe(max(0, took.Seconds()))
		m.accept(r, a, began, order)
	case ctx.Err() == nil: // else we were told to stop: the worker did nothing wrong
		m.fail(r, err)
	}
	if r.removed {
		m.retire(r)
	}
	m.version.Add(1)
}
