package pydir

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/internal/merge/reading"
)

// Merger merges one directory. Make one with [New].
type Merger struct {
	options    Options
	log        *slog.Logger
	metrics    *metrics
	unregister func()
	rounds     rounds
	version    atomic.Uint64
	atStep     func(step) // for tests; nil in production
	lastSave   time.Duration
	keeping    sync.Mutex // one save of the state at a time; taken before mu

	mu        sync.Mutex
	directory directory
	table     *table
	files     []*file             // open or sealed, by name
	folded    map[string]identity // final files that are in the totals
	ghosts    map[identity]*ghost // files that only the state file has told of so far
	keeper    keeper
	processes processes
	leftOut   map[string]reason // entries of the directory that could not be opened
	missed    map[identity]bool // files that the last listing did not find
	beyond    []string          // entries for which too many files were open
	told      map[string]bool   // of which of these it was said
	scanners  []*scanner
	found     []foundEntry // reused by grow
	ahead     ahead
	layouts   map[class]*layout // the latest
	pages     pages
	text      []byte          // reused by write
	pageSize  int             // of the last page
	standing  map[string]bool // workers with files that are not final: whether one of these is bad. Reused by showFiles
	round     uint64          // readings so far
	hasRead   bool
	readAt    time.Time // when the last round began
	lastError error
	closed    bool
}

// New makes a Merger. It reads nothing before [Merger.Run], [Merger.Read] or a scrape.
func New(o Options) (*Merger, error) {
	o, err := o.orDefault()
	if err != nil {
		return nil, err
	}
	if most := descriptors(); most < o.Limits.Files {
		o.Logger.Warn("fewer files than the limit can be held open", "limit", o.Limits.Files, "possible", most,
			"hint", "raise the limit of open files (ulimit -n, LimitNOFILE) if there may be more")
		o.Limits.Files = most
	}
	own := newMetrics(o.State != "")
	unregister, err := own.Publish(o.Name, o.Registerer)
	if err != nil {
		return nil, err
	}
	if o.Process {
		own.addProcess()
	}
	m := &Merger{
		options: o, log: o.Logger.With("replica", o.Name, "directory", o.Dir), metrics: own, unregister: unregister,
		directory: directory{path: o.Dir},
		standing:  map[string]bool{},
		ghosts:    map[identity]*ghost{},
		layouts:   map[class]*layout{},
		folded:    map[string]identity{}, leftOut: map[string]reason{},
	}
	m.rounds.turn, m.lastSave = make(chan struct{}, 1), lastSave
	m.table = newTable(o, func(c conflict) { own.Conflicts.WithLabelValues(string(c)).Inc() },
		func(r reading.Reason) { own.Skipped.WithLabelValues(string(r)).Inc() })
	if o.State != "" {
		if err := m.openState(o.State); err != nil {
			unregister()
			return nil, err
		}
		m.hasRead = len(m.table.families) > 0
	}
	for range max(1, min(4, runtime.GOMAXPROCS(0))) {
		m.scanners = append(m.scanners, newScanner(o.Limits))
	}
	return m, nil
}

// Run reads every Interval until ctx is done, beside the readings that scrapes make, closes the Merger and returns nil.
// What a worker counted before its file was deleted is then known although nobody scraped meanwhile.
func (m *Merger) Run(ctx context.Context) error {
	defer m.Close()
	tick := time.NewTicker(m.options.Interval)
	defer tick.Stop()
	busy := make(chan struct{}, 1) // with what the disk of the state file can hold up
	for {
		_ = m.Read(ctx) // the error is kept for those who ask
		select {
		case busy <- struct{}{}:
			go func() {
				m.compact()
				m.keep(false)
				<-busy
			}()
		default:
		}
		m.metrics.process.refresh()
		select {
		case <-ctx.Done():
			late := time.NewTimer(m.lastSave)
			defer late.Stop()
			select {
			case busy <- struct{}{}:
			case <-late.C: // it ends when the disk does
			}
			return nil
		case <-tick.C:
		}
	}
}

// Read takes in what the directory has now: everything that was written before the call. Calls that come together share
// one reading. The error is why the directory could not be listed; what is wrong with single files is in the metrics.
func (m *Merger) Read(ctx context.Context) error {
	if err := m.rounds.join(ctx, m.readOnce); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lastError
}

// Close ends reading and takes the Merger's metrics back from its Registerer. Totals can still be scraped. Run does it
// itself; it may be done more than once. The state is saved, for which it waits some seconds at most.
func (m *Merger) Close() {
	m.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	for _, f := range m.files {
		f.close()
	}
	m.directory.close()
	m.unregister()
}

// Version changes whenever what would be served may have changed.
func (m *Merger) Version() uint64 { return m.version.Load() }

// readOnce makes one reading.
func (m *Merger) readOnce() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	began := m.options.Now()
	changed := m.readFiles()
	for m.hasRoom() { // final files were closed: others can be opened
		changed = m.readFiles() || changed
	}
	m.tellBeyond()
	if m.lastError != nil {
		m.metrics.SourceErrors.Inc()
	}
	m.round++
	m.hasRead = m.hasRead || len(m.files) > 0 || len(m.folded) > 0
	m.readAt = began
	m.metrics.Reads.Inc()
	m.metrics.ReadDuration.Observe(max(0, m.options.Now().Sub(began).Seconds()))
	m.showFiles()
	if changed {
		m.version.Add(1)
	}
}

// readFiles reads the directory and the files that may be open at once.
func (m *Merger) readFiles() (changed bool) {
	m.lastError = m.list()
	m.judge()
	m.verify()
	m.scan()
	return m.takeIn()
}

// hasRoom tells whether files that were left out because too many were open can be opened now, and has them looked for.
func (m *Merger) hasRoom() bool {
	if len(m.beyond) == 0 || m.lastError != nil || m.open() >= m.options.Limits.Files {
		return false
	}
	m.directory.listed = time.Time{}
	return true
}

// open is how many files are.
func (m *Merger) open() int {
	n := 0
	for _, f := range m.files {
		if f.fd != nil {
			n++
		}
	}
	return n
}

// scan looks at every file that is not sealed, on all cores.
func (m *Merger) scan() {
	var next atomic.Int64
	look := func(s *scanner) {
		s.changes = s.changes[:0]
		for {
			i := int(next.Add(1)) - 1
			if i >= len(m.files) {
				return
			}
			if f := m.files[i]; !f.sealed {
				s.scan(f)
			}
		}
	}
	var others sync.WaitGroup
	if len(m.files) > 16 {
		for _, s := range m.scanners[1:] {
			others.Go(func() { look(s) })
		}
	}
	look(m.scanners[0])
	others.Wait()
}

// unread says why there is nothing to expose, or nil from the first file on.
func (m *Merger) unread() error {
	switch {
	case m.hasRead:
		return nil
	case m.lastError != nil:
		return m.lastError
	}
	for base, r := range m.leftOut {
		return fmt.Errorf("no file of a worker could be read in %s: %s: %s", m.options.Dir, base, r)
	}
	return fmt.Errorf("no worker has written a file to %s yet", m.options.Dir)
}
