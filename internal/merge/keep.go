package merge

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge/state"
)

// State keeps what a Merger has counted beyond the end of its process. A [state.File] of the kind [StateKind] is one.
type State interface {
	Load() ([]byte, error)
	Refuse(cause error) error
	Save(payload []byte) error
	Close() error
}

// StateKind is what a state file of a [Merger] is opened as.
const StateKind = "endpoints"

// saveBound is how long a scrape waits for its totals to be on the disk: a part of Prometheus' time-out of 10 s that
// nobody notices, and many times what saving takes. Tests that are not about it wait longer.
var saveBound = 500 * time.Millisecond

const (
	// endBound is how long Close waits.
	endBound = 5 * time.Second
	// endedInterval is between two savings because workers ended. What they handed over is nowhere else.
	endedInterval = time.Second
)

// keeper saves totals before they are served: whoever has seen them finds them again after a restart, or more.
// A scrape that finds newer readings than those saved waits for a saving, which all scrapes that come meanwhile share. There
// is at most one for each round of readings; scrapes in between see what was saved. If it fails or takes too long they are
// answered nevertheless, and the state is not healthy.
type keeper struct {
	merger *Merger
	state  State
	bound  time.Duration // saveBound
	buffer []byte        // of the saving under way
	ending sync.Once

	mu       sync.Mutex
	shown    *snapshot // the newest that has been served or may be
	shownIn  uint64    // the round of readings in which it was taken
	saved    uint64    // version on the disk; 0 is none
	under    *saving   // way, or nil
	began    time.Time // of the last
	unwell   bool
	finished bool
}

// saving is one of them. Its page may be served when done is closed.
type saving struct {
	done, late chan struct{}
	page       *snapshot
}

// restore loads what an earlier process has saved, or nil if there is none. A damaged file is no error but said: then
// damaged is what is wrong.
func restore(s State, l Limits) (r *restored, damaged, err error) {
	payload, err := s.Load()
	if err == nil {
		if r, err = decodePayload(payload, l); err != nil {
			err = s.Refuse(err)
		}
	}
	var unfit *state.DamagedError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case errors.As(err, &unfit):
		return nil, err, nil
	}
	return r, nil, err
}

// resume goes on from what was restored.
func (m *Merger) resume(r *restored) {
	m.ledger, m.departed, m.hasRead = r.ledger, r.departed, r.hasRead
	m.metrics.Retained.Set(float64(m.ledger.series))
	m.version.Add(1)
	m.log.Info("going on from the saved state", "series", m.ledger.series, "workers", m.departed.resumed)
}

// page returns the newest totals that may be served.
func (k *keeper) page() *snapshot {
	var s *snapshot
	for range 2 { // a saving that was under way may have begun before the readings that the caller knows of
		k.mu.Lock()
		if k.finished {
			k.mu.Unlock()
			return k.merger.snapshot()
		}
		if k.shown != nil && (k.shown.version == k.merger.version.Load() || k.shownIn == k.merger.round.Load()) {
			defer k.mu.Unlock()
			return k.shown
		}
		joined := k.under != nil
		under := k.begin()
		k.mu.Unlock()
		select {
		case <-under.done:
		case <-under.late:
			return k.unsaved()
		}
		if s = under.page; !joined {
			break
		}
	}
	return s
}

// unsaved returns the totals as they are.
func (k *keeper) unsaved() *snapshot {
	round := k.merger.round.Load()
	s := k.merger.snapshot()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.show(s, round)
}

// show returns the newer of s and what is shown already, so that no total goes down.
func (k *keeper) show(s *snapshot, round uint64) *snapshot {
	if s.unread == "" && (k.shown == nil || s.version >= k.shown.version) {
		k.shown, k.shownIn = s, round
	}
	if k.shown != nil {
		return k.shown
	}
	return s
}

// begin begins a saving, unless one is under way. The caller has k.mu.
func (k *keeper) begin() *saving {
	if k.under == nil {
		k.under = &saving{done: make(chan struct{}), late: make(chan struct{})}
		k.began = k.merger.options.Now()
		go k.save(k.under)
	}
	return k.under
}

func (k *keeper) save(s *saving) {
	m := k.merger
	round := m.round.Load()
	timer := time.AfterFunc(k.bound, func() {
		k.report(hint.Errorf("look at the disk of the state file", "saving takes longer than %v", k.bound))
		close(s.late)
	})
	m.mu.Lock()
	version, unread := m.version.Load(), m.unread()
	families := m.ledger.export(m.alive(), m.gauges)
	if unread == "" {
		k.buffer = m.appendPayload(k.buffer[:0])
	}
	m.ended = false
	m.mu.Unlock()
	var err error
	if unread == "" {
		err = k.state.Save(k.buffer)
	}
	inTime := timer.Stop()
	if unread == "" {
		k.account(err, inTime)
	}
	page := m.newPage(version, families, unread)
	k.mu.Lock()
	defer k.mu.Unlock()
	s.page = k.show(page, round)
	if err == nil {
		k.saved = version
	}
	k.under = nil
	close(s.done)
}

// account brings metrics and health in line with the outcome of a saving.
func (k *keeper) account(err error, inTime bool) {
	m := k.merger
	if err != nil {
		m.mu.Lock()
		m.ended = true // try again
		m.mu.Unlock()
		k.report(err)
		return
	}
	m.metrics.State.Saves.Inc()
	m.metrics.State.Bytes.Set(float64(len(k.buffer)))
	m.metrics.State.LastSave.Set(float64(m.options.Now().UnixMilli()) / 1000)
	if inTime {
		k.report(nil)
	}
}

// report notes how saving goes; err is nil if well.
func (k *keeper) report(err error) {
	m := k.merger
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil:
		m.metrics.State.Errors.Inc()
		if !k.unwell {
			m.log.Warn("the state can't be saved; serving goes on, and a restart would go back to what was saved last", "err", err, "hint", hint.Of(err))
		}
	case k.unwell:
		m.log.Info("the state is saved again")
	}
	if unwell := err != nil; unwell != k.unwell {
		k.unwell = unwell
		m.metrics.State.Healthy.Set(float64(1 - oneIf(unwell)))
		m.version.Add(1)
	}
}

// saveEnded begins a saving if workers have ended since the last.
func (k *keeper) saveEnded() {
	m := k.merger
	m.mu.Lock()
	ended := m.ended
	m.mu.Unlock()
	if !ended {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.finished && k.under == nil && m.options.Now().Sub(k.began) >= endedInterval {
		k.begin()
	}
}

// close saves for the last time and lets go of the file.
func (k *keeper) close() {
	k.ending.Do(func() {
		late := time.NewTimer(endBound)
		defer late.Stop()
		for last := false; ; {
			k.mu.Lock()
			if k.under == nil && (last || k.saved == k.merger.version.Load()) {
				k.finished = true
				k.mu.Unlock()
				break
			}
			last = k.under == nil // else it may have begun before the last readings
			under := k.begin()
			k.mu.Unlock()
			select {
			case <-under.done:
			case <-late.C:
				k.merger.log.Warn("the end did not wait any longer for the state to be saved", "waited", endBound)
				return
			}
		}
		if err := k.state.Close(); err != nil {
			k.merger.log.Warn("cannot close the state file", "err", err)
		}
	})
}

// newKeeper is for a Merger with a state. It says what was wrong with the one before.
func newKeeper(m *Merger, s State, damaged error) *keeper {
	m.metrics.State.Healthy.Set(1)
	if damaged != nil {
		m.metrics.State.Errors.Inc()
		m.log.Warn("counters begin again", "err", damaged, "hint", hint.Of(damaged))
	}
	return &keeper{merger: m, state: s, bound: saveBound}
}
