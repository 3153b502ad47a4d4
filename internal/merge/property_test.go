package merge_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
)

// life is a worker of the property test and what the model knows of it: what it counted, and how much of that was read.
type life struct {
	*worker
	clicks  prometheus.Counter
	seconds prometheus.Counter
	size    prometheus.Histogram
	counted int // since its registry was made
	unread  int // of these, since the last reading
	away    bool
	stuck   bool
}

// model is the independent account: every click that happened, less those that nobody could have read.
type model struct {
	t       *testing.T
	random  *rand.Rand
	dir     string
	lives   []*life
	started int
	clicked int
	lost    int
}

func (m *model) registry(l *life) {
	reg := prometheus.NewRegistry()
	l.clicks = prometheus.NewCounter(prometheus.CounterOpts{Name: "clicks_total", Help: "T."})
	l.seconds = prometheus.NewCounter(prometheus.CounterOpts{Name: "busy_seconds_total", Help: "T."})
	l.size = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "size", Help: "T.", Buckets: []float64{1, 2, 4}, NativeHistogramBucketFactor: 2})
	reg.MustRegister(l.clicks, l.seconds, l.size)
	l.set(func() { l.worker.registry = reg })
	l.counted, l.unread = 0, 0
}

func (m *model) start() {
	pid := 1 // the lowest that is free: pids are reused all the time
	for slices.ContainsFunc(m.lives, func(l *life) bool { return l.pid == pid }) {
		pid++
	}
	m.started++
	l := &life{worker: startWorker(m.t, m.dir, pid)}
	l.set(func() { l.start = float64(1000 + m.started) })
	m.registry(l)
	m.lives = append(m.lives, l)
}

func (m *model) click(l *life) {
	for range m.random.IntN(5) {
		l.clicks.Inc()
		l.seconds.Add(m.random.Float64())
		l.size.Observe(float64(m.random.IntN(6)))
		l.counted++
		l.unread++
		m.clicked++
	}
}

func (m *model) end(i int, lose bool) {
	l := m.lives[i]
	if lose {
		m.lost += l.unread
	}
	l.remove()
	m.lives = append(m.lives[:i], m.lives[i+1:]...)
}

// wasRead is the model's account of a reading round.
func (m *model) wasRead() {
	for _, l := range m.lives {
		if !l.away && !l.stuck {
			l.unread = 0
		}
	}
}

func (m *model) waiting() int {
	n := 0
	for _, l := range m.lives {
		n += l.unread
	}
	return n
}

func (m *model) step(merger *merge.Merger) {
	if len(m.lives) == 0 {
		m.start()
	}
	i := m.random.IntN(len(m.lives))
	l := m.lives[i]
	switch m.random.IntN(12) {
	case 0:
		if len(m.lives) < 5 {
			m.start()
		}
	case 1:
		m.end(i, true)
	case 2: // drains: the last totals are handed over
		if l.away || l.stuck {
			return
		}
		if merger == nil { // to nobody
			m.end(i, true)
			return
		}
		l.set(func() { l.state = "drained" })
		read(m.t, merger)
		m.wasRead()
		read(m.t, merger)
		m.end(i, false)
	case 3: // its registry is reset
		m.lost += l.unread
		m.registry(l)
	case 4: // refuses for a while
		if l.stuck {
			return
		}
		if l.away = !l.away; l.away {
			l.kill()
		} else {
			l.listen()
		}
	case 5:
		if l.away {
			return
		}
		if !l.stuck {
			// As one that hangs, without the wait for its deadline: both are down, not dead.
			l.set(func() { l.stuck, l.handler = true, http.NotFoundHandler() })
		} else {
			l.set(func() { l.stuck, l.handler = false, nil })
		}
	default:
		for _, l := range m.lives {
			m.click(l)
		}
	}
}

// stepUnread is a step while there is nobody who reads.
func (m *model) stepUnread() { m.step(nil) }

func TestTheMergedTotalEqualsAnIndependentAccount(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &model{t: t, random: rand.New(rand.NewPCG(uint64(seed), 1)), dir: socketDir(t)}
			merger := newMerger(t, merge.Options{Source: endpoints.Dir(m.dir)})
			group := newGroup(t)
			group.Add(merger)
			var last, lastBusy float64
			for range 60 {
				m.step(merger)
				if m.random.IntN(2) == 0 {
					read(t, merger)
					m.wasRead()
				}
				want := float64(m.clicked - m.lost - m.waiting())
				total := merger.Counter("clicks_total").Total
				busy := merger.Counter("busy_seconds_total").Total
				if total != want {
					t.Fatalf("merged %v, counted %d, of which lost %d and not read yet %d", total, m.clicked, m.lost, m.waiting())
				}
				if sizes := merger.Counter("size_count").Total; sizes != want {
					t.Fatalf("the histogram counted %v, want %v", sizes, want)
				}
				if service := group.Counter("clicks_total").Total; service != want {
					t.Fatalf("the service counted %v, want %v", service, want)
				}
				if total < last || busy < lastBusy {
					t.Fatalf("a counter went down: %v to %v, %v to %v", last, total, lastBusy, busy)
				}
				last, lastBusy = total, busy
			}
			parses(t, merger)
		})
	}
}
