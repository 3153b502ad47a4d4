package pydirtest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Load is the directory of a busy service, held open by its workers: each has one file of every kind and mode, with 8,051
// entries (8,043 before 0.18), mostly of a latency histogram by route and method. 32 workers have 416 files with 257,632
// entries, 43 MB in use; merged they are 8,700 series. A Load must not be used concurrently.
type Load struct {
	Workers []*Worker
	members []member
	random  *rand.Rand
	begin   time.Time
	ticks   int
}

// member is what one worker counts.
type member struct {
	id         string
	counters   []*Value
	summaries  []*Summary
	histograms []*Histogram
	gauges     map[string][]*Value // by mode
	stamps     map[string][]int    // when the most recent ones were set, in ticks
}

const (
	loadCounters   = 611
	loadSummaries  = 100
	loadHistograms = 400
	loadGauges     = 4 // of each mode
)

// loadBounds are django-prometheus' for latencies.
var loadBounds = []float64{.01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 25, 50, 75}

// NewLoad lays the files of so many workers, whose pids begin with 1000, and keeps them open. The same seed gives the same
// values.
func NewLoad(dir string, workers int, g Generation, seed uint64) (*Load, error) {
	l := &Load{random: rand.New(rand.NewPCG(seed, 1)), begin: time.Unix(1_760_000_000, 0)}
	for i := range workers {
		id := strconv.Itoa(1000 + i)
		w := NewWorker(dir, id, g)
		l.Workers = append(l.Workers, w)
		l.members = append(l.members, l.member(w, g))
		if w.Err() != nil {
			return nil, errors.Join(w.Err(), l.Close())
		}
	}
	return l, nil
}

func loadCounter(i int) (string, []Label) {
	method, status := [...]string{"GET", "POST", "PUT"}[i%3], [...]string{"200", "301", "404", "500"}[i/3%4]
	return "http_responses_by_status_view_method", []Label{{"status", status}, {"view", fmt.Sprintf("walks:detail-%d", i/12)}, {"method", method}}
}

func loadHistogram(i int) (string, []Label) {
	return "http_request_duration_seconds", []Label{{"method", [...]string{"GET", "POST"}[i%2]}, {"route", fmt.Sprintf("/walks/%d/", i/2)}}
}

func loadSummary(i int) (string, []Label) {
	return "http_response_size_bytes", []Label{{"view", fmt.Sprintf("walks:detail-%d", i)}}
}

func loadGauge(mode string, i int) (string, []Label) {
	return "pool_connections_" + mode, []Label{{"pool", fmt.Sprintf("pool-%d", i)}}
}

func (l *Load) member(w *Worker, g Generation) member {
	m := member{id: w.id, gauges: map[string][]*Value{}, stamps: map[string][]int{}}
	for i := range loadCounters {
		name, labels := loadCounter(i)
		c := w.Counter(name, "Responses by status, view and method.", labels...)
		c.Add(float64(l.random.IntN(100_000)))
		m.counters = append(m.counters, c)
	}
	for i := range loadSummaries {
		name, labels := loadSummary(i)
		s := w.Summary(name, "Bytes of answers.", labels...)
		for range 3 {
			s.Observe(float64(l.random.IntN(100_000)))
		}
		m.summaries = append(m.summaries, s)
	}
	for i := range loadHistograms {
		name, labels := loadHistogram(i)
		h := w.Histogram(name, "Latency.", loadBounds, labels...)
		for range 10 {
			h.Observe(l.random.ExpFloat64() / 4)
		}
		m.histograms = append(m.histograms, h)
	}
	for _, mode := range Modes {
		if g != Since018 && strings.HasSuffix(mode, "mostrecent") {
			continue
		}
		for i := range loadGauges {
			name, labels := loadGauge(mode, i)
			m.gauges[mode] = append(m.gauges[mode], w.Gauge(mode, name, "Connections of a pool.", labels...))
			m.stamps[mode] = append(m.stamps[mode], 0)
			l.setGauge(&m, mode, i)
		}
	}
	return m
}

// setGauge sets a gauge, each time at a later moment.
func (l *Load) setGauge(m *member, mode string, i int) {
	l.ticks++
	v := math.Round(l.random.Float64()*1e6) / 1e3
	if !strings.HasSuffix(mode, "mostrecent") {
		m.gauges[mode][i].Set(v)
		return
	}
	m.stamps[mode][i] = l.ticks
	m.gauges[mode][i].SetAt(v, l.begin.Add(time.Duration(l.ticks)*time.Millisecond))
}

// Tick changes one value in every file: one observation more in each of the summaries' and the histograms', of which the
// sum is a value too.
func (l *Load) Tick() error {
	for i := range l.members {
		m := &l.members[i]
		m.counters[l.random.IntN(len(m.counters))].Add(1)
		m.summaries[l.random.IntN(len(m.summaries))].Observe(float64(l.random.IntN(100_000)))
		m.histograms[l.random.IntN(len(m.histograms))].Observe(l.random.ExpFloat64() / 4)
		for _, mode := range Modes {
			if n := len(m.gauges[mode]); n > 0 {
				l.setGauge(m, mode, l.random.IntN(n))
			}
		}
		if err := l.Workers[i].Err(); err != nil {
			return err
		}
	}
	return nil
}

// Files is how many there are.
func (l *Load) Files() int {
	n := 0
	for _, w := range l.Workers {
		n += len(w.files)
	}
	return n
}

// Entries is how many values all files have.
func (l *Load) Entries() int {
	n := 0
	for _, w := range l.Workers {
		for _, f := range w.files {
			n += f.Entries()
		}
	}
	return n
}

// Bytes is how much of all files is in use.
func (l *Load) Bytes() int {
	n := 0
	for _, w := range l.Workers {
		for _, f := range w.files {
			n += f.Used()
		}
	}
	return n
}

// Close closes the files, which stay.
func (l *Load) Close() error {
	var err error
	for _, w := range l.Workers {
		err = errors.Join(err, w.Close())
	}
	return err
}

// Account is what the merged page must say: every sample by its name and labels as text format has them, labels sorted,
// le included. It is added up from what the workers count, not from the files. Sums of observations may differ in the last
// digit from another order of addition.
func (l *Load) Account() map[string]float64 {
	out := map[string]float64{}
	for _, m := range l.members {
		for i, c := range m.counters {
			name, labels := loadCounter(i)
			out[series(name+"_total", labels)] += c.Get()
		}
		for i, s := range m.summaries {
			name, labels := loadSummary(i)
			out[series(name+"_count", labels)] += s.Count.Get()
			out[series(name+"_sum", labels)] += s.Sum.Get()
		}
		for i, h := range m.histograms {
			name, labels := loadHistogram(i)
			cumulative := 0.0
			for j, b := range h.Buckets {
				cumulative += b.Get()
				out[series(name+"_bucket", append(labels[:len(labels):len(labels)], Label{"le", bound(h.Bounds[j])}))] += cumulative
			}
			out[series(name+"_count", labels)] += cumulative
			out[series(name+"_sum", labels)] += h.Sum.Get()
		}
	}
	for _, mode := range Modes {
		for i := range loadGauges {
			l.accountGauge(out, mode, i)
		}
	}
	return out
}

func (l *Load) accountGauge(out map[string]float64, mode string, i int) {
	name, labels := loadGauge(mode, i)
	newest := 0
	for n, m := range l.members {
		if m.gauges[mode] == nil {
			return
		}
		v := m.gauges[mode][i].Get()
		key := series(name, labels)
		switch strings.TrimPrefix(mode, "live") {
		case "all":
			out[series(name, append(labels[:len(labels):len(labels)], Label{"pid", m.id}))] = v
		case "sum":
			out[key] += v
		case "min":
			if have, ok := out[key]; !ok || v < have {
				out[key] = v
			}
		case "max":
			if have, ok := out[key]; !ok || v > have {
				out[key] = v
			}
		default:
			if n == 0 || m.stamps[mode][i] > newest {
				newest, out[key] = m.stamps[mode][i], v
			}
		}
	}
}

// series writes a sample's name as text format does. None of the values here needs escapes.
func series(name string, labels []Label) string {
	labels = slices.Clone(labels)
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString(name)
	for i, l := range labels {
		b.WriteString([...]string{"{", ","}[min(i, 1)])
		fmt.Fprintf(&b, "%s=%q", l.Name, l.Value)
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	return b.String()
}
