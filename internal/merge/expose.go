package merge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/internal/merge/exposition"
	"github.com/truecount/truecount/internal/merge/reading"
)

// snapshot is what is merged at one moment.
type snapshot struct {
	*exposition.Snapshot
	version  uint64
	families []reading.Family
	unread   string // why there is nothing to expose yet, or ""
}

func newSnapshot(version uint64, families []reading.Family, own []*dto.MetricFamily) *snapshot {
	return &snapshot{Snapshot: exposition.NewSnapshot(families, own), version: version, families: families}
}

// renderer keeps the latest snapshot. Scrapes that arrive together wait for one build.
type renderer struct {
	building sync.Mutex
	latest   atomic.Pointer[snapshot]
}

// at returns the snapshot of the version that is current, building it if it isn't there.
func (r *renderer) at(version func() uint64, build func() *snapshot) *snapshot {
	if s := r.latest.Load(); s != nil && s.version == version() {
		return s
	}
	r.building.Lock()
	defer r.building.Unlock()
	if s := r.latest.Load(); s != nil && s.version == version() {
		return s
	}
	s := build()
	r.latest.Store(s)
	return s
}

func serve(w http.ResponseWriter, r *http.Request, latest func() *snapshot) {
	exposition.Serve(w, r, func(context.Context) (exposition.Page, error) {
		s := latest()
		if s.unread != "" {
			return nil, errors.New(s.unread)
		}
		return s, nil
	})
}

// ServeHTTP answers with the merged metrics as of the latest readings: text 0.0.4, OpenMetrics 1.0 or delimited
// protobuf as the client prefers, with gzip if it accepts that. It reads no worker and waits for none. Until a worker has
// been read for the first time it answers 503: that a scrape failed is true, that nothing was counted may not be.
// With a State, what is newer than saved is saved first, for which it waits half a second at most.
func (m *Merger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.keep != nil {
		serve(w, r, m.keep.page)
		return
	}
	serve(w, r, m.snapshot)
}

// Version changes whenever what would be served may have changed.
func (m *Merger) Version() uint64 { return m.version.Load() }

// Name implements [Replica].
func (m *Merger) Name() string { return m.options.Name }

// Totals implements [Replica].
func (m *Merger) Totals() Totals {
	s := m.snapshot()
	return Totals{Families: s.families, Version: s.version, Unread: s.unread}
}

func (m *Merger) snapshot() *snapshot {
	return m.page.at(m.version.Load, func() *snapshot {
		m.mu.Lock()
		version, unread := m.version.Load(), m.unread()
		families := m.ledger.export(m.alive(), m.gauges)
		m.mu.Unlock()
		return m.newPage(version, families, unread)
	})
}

// newPage adds the merge's own metrics as they are now.
func (m *Merger) newPage(version uint64, families []reading.Family, unread string) *snapshot {
	own, err := m.metrics.Registry.Gather()
	if err != nil {
		m.log.Error("cannot gather the merge's own metrics", "err", err)
	}
	s := newSnapshot(version, families, own)
	s.unread = unread
	return s
}

// unread says why there is nothing to expose, or "" from the first reading on.
func (m *Merger) unread() string {
	if m.hasRead {
		return ""
	}
	text := "no worker has been read yet"
	if m.options.Name != "" {
		text = fmt.Sprintf("no worker of %s has been read yet", m.options.Name)
	}
	for _, r := range m.readers {
		if r.err != nil {
			return fmt.Sprintf("%s: %s: %v", text, r.endpoint, r.err)
		}
	}
	return text
}

// alive lists the generations whose gauges count.
func (m *Merger) alive() []*generation {
	var out []*generation
	for _, r := range m.readers {
		if r.gen != nil && r.gen.up {
			out = append(out, r.gen)
		}
	}
	return out
}
