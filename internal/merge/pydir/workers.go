package pydir

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/exact"
	"github.com/truecount/truecount/internal/merge/reading"
)

// showFiles brings the metrics of files and workers up to date.
func (m *Merger) showFiles() {
	read, final, out := 0, len(m.folded), len(m.leftOut)
	clear(m.standing)
	for _, f := range m.files {
		switch {
		case f.sealed:
			final++
			continue
		case f.bad != "":
			out++
		default:
			read++
		}
		m.standing[f.worker] = m.standing[f.worker] || f.bad != ""
	}
	for base, r := range m.leftOut {
		if name, ok := m.unopened(base, r); ok {
			m.standing[name.worker] = true
		}
	}
	up := 0
	for _, bad := range m.standing {
		if !bad {
			up++
		}
	}
	m.metrics.files.WithLabelValues(filesRead).Set(float64(read))
	m.metrics.files.WithLabelValues(filesFinal).Set(float64(final))
	m.metrics.files.WithLabelValues(filesLeftOut).Set(float64(out))
	m.metrics.Workers.WithLabelValues(workersUp).Set(float64(up))
	m.metrics.Workers.WithLabelValues(workersDown).Set(float64(len(m.standing) - up))
	m.metrics.Completeness.Set(1)
	if len(m.standing) > 0 {
		m.metrics.Completeness.Set(float64(up) / float64(len(m.standing)))
	}
	m.metrics.Retained.Set(float64(m.table.slots))
}

// unopened tells whether something of the directory is a file of a worker that may be alive, and that could not be opened.
func (m *Merger) unopened(base string, r reason) (fileName, bool) {
	name, ok := parseName(base)
	return name, ok && !name.retired && r != reasonDuplicate && r != reasonNotRegular
}

// Workers lists the workers that may be alive: those with files that are not final.
func (m *Merger) Workers() []merge.Worker {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := map[string]int{}
	var out []merge.Worker
	for _, f := range m.files {
		if f.sealed {
			continue
		}
		i, known := at[f.worker]
		if !known {
			i = len(out)
			at[f.worker] = i
			out = append(out, merge.Worker{
				Replica: m.options.Name, ID: f.workerID(), PID: f.pid, Endpoint: merge.Endpoint{Network: "file", Address: m.options.Dir},
				State: merge.WorkerUp, Up: true, LastRead: m.readAt,
			})
		}
		if f.bad != "" {
			out[i].State, out[i].Up, out[i].Error = merge.WorkerDown, false, f.base+": "+string(f.bad)
		}
	}
	for _, base := range slices.Sorted(maps.Keys(m.leftOut)) {
		name, ok := m.unopened(base, m.leftOut[base])
		if !ok {
			continue
		}
		i, known := at[name.worker]
		if !known {
			i = len(out)
			at[name.worker] = i
			out = append(out, merge.Worker{
				Replica: m.options.Name, ID: name.workerID(), PID: name.pid, Endpoint: merge.Endpoint{Network: "file", Address: m.options.Dir},
			})
		}
		out[i].State, out[i].Up, out[i].Error = merge.WorkerDown, false, base+": "+string(m.leftOut[base])
	}
	return out
}

// workerID is what metrics and pages call the worker.
func (n *fileName) workerID() string {
	if n.pid > 0 {
		return "pid=" + n.worker
	}
	return n.worker
}

// Counter returns the total of a counter, or of a histogram's or summary's count under its name with _count, over all
// series that carry all the labels. Total includes workers that have ended; Workers does not.
func (m *Merger) Counter(name string, match ...merge.Label) merge.Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := merge.Count{ReadAt: m.readAt}
	if !m.readAt.IsZero() {
		c.Age = m.options.Now().Sub(m.readAt)
	}
	f := m.table.families[name]
	if f == nil || f.kind != reading.Counter {
		f = m.table.families[strings.TrimSuffix(name, "_count")]
		if f == nil || f.kind != reading.Histogram && f.kind != reading.Summary || f.name+"_count" != name {
			return c
		}
	}
	var total exact.Sum
	for _, child := range f.children {
		for _, s := range child.counts() {
			if merge.Carries(child.labels, match) {
				c.Found = true
				total.Add(s.total.Value())
			}
		}
	}
	c.Total = total.Value()
	c.Workers = m.countsOf(f, match, c)
	return c
}

// counts are the numbers that add up to the child's count.
func (c *child) counts() []*slot {
	switch c.family.kind {
	case reading.Counter:
		return []*slot{c.value}
	case reading.Summary:
		if c.count != nil {
			return []*slot{c.count}
		}
	case reading.Histogram:
		return c.buckets
	}
	return nil
}

// countsOf lists what each worker's own files say.
func (m *Merger) countsOf(f *family, match []merge.Label, c merge.Count) []merge.WorkerCount {
	at := map[string]int{}
	var out []merge.WorkerCount
	for _, file := range m.files {
		if file.sealed || file.class != f.class {
			continue
		}
		for i, s := range file.slots {
			if s == nil || s.child.family != f || s.role == roleSum || !merge.Carries(s.child.labels, match) {
				continue
			}
			i0, known := at[file.worker]
			if !known {
				i0 = len(out)
				at[file.worker] = i0
				out = append(out, merge.WorkerCount{Replica: m.options.Name, Worker: file.workerID(), PID: file.pid, Up: file.bad == "", Age: c.Age})
			}
			out[i0].Value += math.Float64frombits(file.values[i])
		}
	}
	slices.SortStableFunc(out, func(a, b merge.WorkerCount) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), strings.Compare(a.Worker, b.Worker))
	})
	return out
}
