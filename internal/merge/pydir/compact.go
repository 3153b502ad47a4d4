package pydir

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/truecount/truecount/internal/merge/reading"
)

// Compaction deletes the files of dead workers, in steps of which each leaves the counts as they were if it is the last:
//
//  1. A file whose process is gone is renamed to …_PID.retired-N.db: no process can open it by its name any more. A hook
//     of the application may have done it.
//  2. It is read once more, and its counts go to the totals.
//  3. The state file is written: with these totals, and with the file's identity, so that it is not added again.
//  4. It is deleted.
//
// Gauges of a dead worker are no totals: they go with their files.

// step is a moment of compaction at which this process may be killed.
type step string

const (
	stepRenamed step = "renamed" // 1
	stepRead    step = "read"    // 2
	stepKept    step = "kept"    // 3
	stepDeleted step = "deleted" // 4
)

func (m *Merger) reached(s step) {
	if m.atStep != nil {
		m.atStep(s)
	}
}

// compact makes the steps for which it is time. It is called between readings.
func (m *Merger) compact() {
	if !m.options.Compact {
		return
	}
	m.mu.Lock()
	if m.directory.fd != nil {
		m.renameDead()
	}
	ready := m.finalFiles()
	m.mu.Unlock()
	if len(ready) == 0 {
		return
	}
	m.reached(stepRead)
	if !m.keep(true) {
		return
	}
	m.reached(stepKept)
	m.mu.Lock()
	defer m.mu.Unlock()
	for base, id := range ready {
		m.remove(base, id)
	}
}

// renameDead makes the first step for files whose process is seen to be gone.
func (m *Merger) renameDead() {
	dir := int(m.directory.fd.Fd())
	for _, f := range m.files {
		if f.retired || f.gone || !f.sealed || !f.dead || exists(f.pid) {
			continue
		}
		base := fmt.Sprintf("%s%s%d%s", strings.TrimSuffix(f.base, suffix), retiredMark, time.Now().UnixNano(), suffix)
		if s, err := statusAt(dir, f.base); err != nil || s.identity != f.id {
			continue // the next listing tells
		}
		if err := unix.Renameat(dir, f.base, dir, base); err != nil {
			m.cannotCompact(f.base, err)
			continue
		}
		// A process that was given the pid meanwhile may have opened it: it is judged once more, and read again.
		f.base, f.retired = base, true
		m.unseal(f)
		m.reached(stepRenamed)
	}
}

// finalFiles lists the files that are in the totals for good.
func (m *Merger) finalFiles() map[string]identity {
	ready := map[string]identity{}
	for base, id := range m.folded {
		ready[base] = id
	}
	for _, f := range m.files {
		if f.sealed && f.retired && !f.gone && f.kind == reading.Gauge {
			ready[f.base] = f.id
		}
	}
	return ready
}

// remove makes the last step. The next listing sees that the file is gone.
func (m *Merger) remove(base string, id identity) {
	if m.directory.fd == nil {
		return
	}
	dir := int(m.directory.fd.Fd())
	if s, err := statusAt(dir, base); err != nil || s.identity != id {
		return
	}
	if err := unix.Unlinkat(dir, base, 0); err != nil {
		m.cannotCompact(base, err)
		return
	}
	m.metrics.events.WithLabelValues(eventDeleted).Inc()
	m.reached(stepDeleted)
}

func (m *Merger) cannotCompact(base string, err error) {
	if errors.Is(err, unix.ENOENT) {
		return
	}
	m.metrics.events.WithLabelValues(eventKept).Inc()
	if !m.processes.complained {
		m.processes.complained = true
		m.log.Warn("the file of a dead worker can't be deleted", "file", base, "err", err, "hint", "the directory must be writable for the user that runs this")
	}
}
