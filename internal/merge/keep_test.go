package merge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/merge/state"
	"github.com/truecount/truecount/test/await"
)

// disk is a state file that can be slow, or fail, or lose its process.
type disk struct {
	*state.File
	saves, failures atomic.Int64

	mu   sync.Mutex
	err  error
	wait chan struct{} // while not nil, Save waits until it is closed
}

func openDisk(t testing.TB, path string) *disk {
	t.Helper()
	f, err := state.Open(path, merge.StateKind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &disk{File: f}
}

func (d *disk) set(err error, wait chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.wait = err, wait
}

func (d *disk) Save(payload []byte) error {
	d.mu.Lock()
	err, wait := d.err, d.wait
	d.mu.Unlock()
	if wait != nil {
		<-wait
	}
	if err != nil {
		d.failures.Add(1)
		return err
	}
	d.saves.Add(1)
	return d.File.Save(payload)
}

// sidecar is a Merger with its state file, whose process can be killed.
type sidecar struct {
	*merge.Merger
	disk *disk
	log  *bytes.Buffer // look at it when nothing is under way
}

func startSidecar(t testing.TB, path string, o merge.Options) *sidecar {
	t.Helper()
	s := &sidecar{disk: openDisk(t, path), log: &bytes.Buffer{}}
	o.State = s.disk
	o.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s.Merger = newMerger(t, o)
	return s
}

// kill ends it as SIGKILL would: the lock is gone, nothing is saved any more.
func (s *sidecar) kill() {
	s.disk.File.Close()
	s.disk.set(errors.New("killed"), nil)
	s.Merger.Close()
}

// counted is what a scrape says of everything that is counted, the merge's own metrics left out.
func counted(t testing.TB, h http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	all := families(t, h)
	for name, f := range all {
		if strings.HasPrefix(name, "truecount_merge_") || f.GetType() == dto.MetricType_GAUGE || f.GetType() == dto.MetricType_UNTYPED {
			delete(all, name)
		}
	}
	return all
}

// totals is what was counted without what depends on which of several workers was read first.
func totals(t testing.TB, h http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	all := counted(t, h)
	for _, f := range all {
		for _, m := range f.Metric {
			if c := m.Counter; c != nil {
				c.Exemplar, c.CreatedTimestamp = nil, nil
			}
			if s := m.Summary; s != nil {
				s.CreatedTimestamp = nil
			}
			if h := m.Histogram; h != nil {
				h.Exemplars, h.CreatedTimestamp = nil, nil
				for _, b := range h.Bucket {
					b.Exemplar = nil
				}
				if n := len(h.Bucket); n > 0 && math.IsInf(h.Bucket[n-1].GetUpperBound(), 1) {
					h.Bucket = h.Bucket[:n-1] // it is there for its exemplar
				}
			}
		}
	}
	return all
}

// everything is a worker with all that can be counted.
func everything(t testing.TB, dir string, pid int) (observe func(v float64)) {
	w := startWorker(t, dir, pid)
	walks := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "walks_total", Help: "Walks\nby \\ kind."}, []string{"kind", "dög"})
	seconds := prometheus.NewHistogram(nativeOpts())
	classic := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "walk_meters", Help: "Distance.", Unit: "meters", Buckets: []float64{50, 200}})
	size := prometheus.NewSummary(prometheus.SummaryOpts{Name: "size", Help: "Size."})
	queue := prometheus.NewGauge(prometheus.GaugeOpts{Name: "queue", Help: "Waiting."})
	w.registry.MustRegister(walks, seconds, classic, size, queue)
	return func(v float64) {
		exemplar := prometheus.Labels{"trace_id": time.Duration(v * 1e9).String()}
		walks.WithLabelValues("long", "Ä \"b\"\n").(prometheus.ExemplarAdder).AddWithExemplar(v, exemplar)
		walks.WithLabelValues("short", "").Inc()
		seconds.(prometheus.ExemplarObserver).ObserveWithExemplar(v, exemplar)
		classic.(prometheus.ExemplarObserver).ObserveWithExemplar(v*100, exemplar)
		size.Observe(v)
		queue.Set(v)
	}
}

func TestM20ARestartedMergeGoesOnWithAllItCounted(t *testing.T) {
	dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
	a, b, c := everything(t, dir, 1), everything(t, dir, 2), everything(t, dir, 3)
	o := merge.Options{Source: endpoints.Dir(dir)}
	first := startSidecar(t, path, o)
	reference := newMerger(t, o) // which is not restarted
	readBoth := func(s *sidecar) {
		read(t, s.Merger)
		read(t, reference)
	}
	for i, v := range []float64{0.1, 0.2, 1e-9, 7, 1e9} {
		a(v)
		b(v / 3)
		if i == 2 {
			c(v)
			readBoth(first)
			os.Remove(filepath.Join(dir, "3.sock")) // it has ended; its counts are nowhere else
		}
	}
	readBoth(first)
	served := counted(t, first)
	if len(served) != 4 {
		t.Fatalf("served %d metrics", len(served))
	}
	first.kill()

	second := startSidecar(t, path, o)
	same := func(what string, want, got map[string]*dto.MetricFamily) {
		t.Helper()
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	same("before anything is read", served, counted(t, second))
	wantAbsent(t, second, "queue")
	readBoth(second)
	same("after the workers were read again", served, counted(t, second))
	a(3)
	b(0.3)
	readBoth(second)
	same("what was counted since", totals(t, reference), totals(t, second))
	parses(t, second)
	if second.log.Len() > 0 {
		t.Errorf("logged %s", second.log)
	}
}

func TestM20WhatHappensWhileTheMergeIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		before, away func(w *worker, clicks prometheus.Counter)
		want         string // of 3 clicks before
	}{
		"a worker goes on":                   {nil, func(_ *worker, c prometheus.Counter) { c.Add(2) }, "5"},
		"a worker dies":                      {nil, func(w *worker, c prometheus.Counter) { c.Add(2); w.remove() }, "3"},
		"a worker dies, its socket stays":    {nil, func(w *worker, _ prometheus.Counter) { w.kill() }, "3"},
		"a pid is used again":                {nil, func(w *worker, c prometheus.Counter) { w.set(func() { w.start += 5 }); c.Add(7) }, "13"},
		"a worker's registry is reset":       {nil, func(w *worker, _ prometheus.Counter) { w.says(text, "# TYPE clicks_total counter\nclicks_total 1\n") }, "4"},
		"a worker drains":                    {nil, func(w *worker, c prometheus.Counter) { c.Inc(); w.set(func() { w.state = "drained" }) }, "4"},
		"a worker had drained":               {func(w *worker, _ prometheus.Counter) { w.set(func() { w.state = "drained" }) }, nil, "3"},
		"a worker was away and comes back":   {func(w *worker, _ prometheus.Counter) { w.kill() }, func(w *worker, c prometheus.Counter) { c.Inc(); w.listen() }, "4"},
		"a program that names nobody":        {func(w *worker, _ prometheus.Counter) { says(w, 3, 1000) }, nil, "3"},
		"… whose boot time has moved":        {func(w *worker, _ prometheus.Counter) { says(w, 3, 1000) }, func(w *worker, _ prometheus.Counter) { says(w, 4, 1001) }, "4"},
		"… that was restarted":               {func(w *worker, _ prometheus.Counter) { says(w, 3, 1000) }, func(w *worker, _ prometheus.Counter) { says(w, 2, 1001) }, "5"},
		"… that was restarted and said more": {func(w *worker, _ prometheus.Counter) { says(w, 3, 1000, "a") }, func(w *worker, _ prometheus.Counter) { says(w, 4, 1001) }, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
			w := startWorker(t, dir, 1)
			clicks := w.counter("clicks_total")
			clicks.Add(3)
			o := merge.Options{Source: endpoints.Dir(dir)}
			first := startSidecar(t, path, o)
			if bare := strings.HasPrefix(name, "…") || strings.Contains(name, "program"); !bare {
				read(t, first.Merger)
			}
			if test.before != nil {
				test.before(w, clicks)
			}
			read(t, first.Merger)
			wantValue(t, first, "clicks_total", "3")
			first.kill()
			if test.away != nil {
				test.away(w, clicks)
			}
			for range 3 { // each a restart
				next := startSidecar(t, path, o)
				wantAtLeast(t, next, "clicks_total", 3)
				read(t, next.Merger)
				read(t, next.Merger)
				wantValue(t, next, "clicks_total", test.want)
				next.kill()
			}
		})
	}
}

// says makes w a program that does not say who it is, and has counted that, and one of each of the others.
func says(w *worker, clicks, start int, others ...string) {
	w.set(func() { w.bare = true })
	body := "# TYPE clicks_total counter\nclicks_total " + itoa(clicks) + "\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds " + itoa(start) + "\n"
	for _, name := range others {
		body += "# TYPE " + name + "_total counter\n" + name + "_total 1\n"
	}
	w.says(text, body)
}

func TestM20AWorkerThatHadDrainedHasNotReturnedAfterARestart(t *testing.T) {
	dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
	w := startWorker(t, dir, 1)
	w.counter("clicks_total").Add(3)
	w.set(func() { w.state = "drained" })
	first := startSidecar(t, path, merge.Options{Source: endpoints.Dir(dir)})
	read(t, first.Merger)
	wantValue(t, first, "clicks_total", "3")
	first.kill()
	second := startSidecar(t, path, merge.Options{Source: endpoints.Dir(dir)})
	read(t, second.Merger)
	wantValue(t, second, "clicks_total", "3")
	for _, event := range []string{"started", "returned", "drained"} {
		wantValue(t, second, `truecount_merge_generations_total{event="`+event+`"}`, "0")
	}
}

func TestM20TheLimitOfRetainedSeriesHoldsAfterARestart(t *testing.T) {
	dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
	w := startWorker(t, dir, 1)
	w.says(text, "# TYPE clicks_total counter\nclicks_total{n=\"1\"} 1\n")
	o := merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Retained: 1}}
	first := startSidecar(t, path, o)
	read(t, first.Merger)
	wantValue(t, first, `clicks_total{n="1"}`, "1")
	first.kill()
	w.says(text, "# TYPE clicks_total counter\nclicks_total{n=\"1\"} 1\nclicks_total{n=\"2\"} 1\n")
	second := startSidecar(t, path, o)
	read(t, second.Merger)
	wantAbsent(t, second, `clicks_total{n="2"}`)
	wantValue(t, second, "truecount_merge_retained_series", "1")
}

func TestM20AForgottenWorkerIsNotAddedAgainAfterARestart(t *testing.T) {
	dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
	var workers []*worker
	for pid := 1; pid <= 3; pid++ {
		w := startWorker(t, dir, pid)
		w.counter("clicks_total").Add(1)
		workers = append(workers, w)
	}
	o := merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Departed: 1}}
	first := startSidecar(t, path, o)
	read(t, first.Merger)
	for _, w := range workers {
		w.remove()
	}
	read(t, first.Merger)
	wantValue(t, first, "clicks_total", "3")
	first.kill()
	for _, w := range workers {
		w.listen()
	}
	second := startSidecar(t, path, o)
	read(t, second.Merger)
	wantValue(t, second, "clicks_total", "3")
}

// More workers than ended ones are kept in detail live on through a restart, and none of them is forgotten.
func TestM20AllLivingWorkersAreContinuedHoweverFewEndedOnesAreKept(t *testing.T) {
	dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
	var workers []*worker
	var clicks []prometheus.Counter
	for pid := 1; pid <= 5; pid++ {
		w := startWorker(t, dir, pid)
		workers, clicks = append(workers, w), append(clicks, w.counter("clicks_total"))
	}
	o := merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Departed: 1, Retained: 1}}
	first := startSidecar(t, path, o)
	read(t, first.Merger)
	wantValue(t, first, "clicks_total", "0")
	first.kill()
	for i, c := range clicks {
		c.Inc()
		workers[i].set(func() { workers[i].handler = http.NotFoundHandler() })
	}
	second := startSidecar(t, path, o)
	workers[4].set(func() { workers[4].state, workers[4].handler = "drained", nil })
	read(t, second.Merger) // one ends while nobody else was heard of
	wantValue(t, second, "clicks_total", "1")
	for _, w := range workers {
		w.set(func() { w.handler = nil })
	}
	read(t, second.Merger)
	wantValue(t, second, "clicks_total", "5")
}

func TestScrapesOfOneRoundShareOneSaving(t *testing.T) {
	dir := socketDir(t)
	clicks := startWorker(t, dir, 1).counter("clicks_total")
	s := startSidecar(t, filepath.Join(t.TempDir(), "state"), merge.Options{Source: endpoints.Dir(dir)})
	for round := range 5 {
		clicks.Inc()
		read(t, s.Merger)
		var scrapes sync.WaitGroup
		for range 50 {
			scrapes.Go(func() { wantValue(t, s, "clicks_total", itoa(round+1)) })
		}
		scrapes.Wait()
		if got := s.disk.saves.Load(); got != int64(round+1) {
			t.Errorf("%d savings in %d rounds", got, round+1)
		}
	}
	wantValue(t, s, "truecount_merge_state_saves_total", "5")
	wantValue(t, s, "truecount_merge_state_healthy", "1")
	if v := value(t, s, "truecount_merge_state_bytes"); v == "0" {
		t.Error("the state has no bytes")
	}
	if v := value(t, s, "truecount_merge_state_last_save_timestamp_seconds"); v == "0" {
		t.Error("the state was saved at no time")
	}
}

func TestADiskThatHangsHoldsUpNoScrapeForLong(t *testing.T) {
	patient := merge.SetSaveBound(userSaveBound)
	defer merge.SetSaveBound(patient)
	dir := socketDir(t)
	clicks := startWorker(t, dir, 1).counter("clicks_total")
	s := startSidecar(t, filepath.Join(t.TempDir(), "state"), merge.Options{Source: endpoints.Dir(dir)})
	hung := make(chan struct{})
	s.disk.set(nil, hung)
	for i := range 3 { // the first waits, then it is known
		clicks.Inc()
		read(t, s.Merger)
		wantValue(t, s, "clicks_total", itoa(i+1))
	}
	wantValue(t, s, "truecount_merge_state_healthy", "0")
	wantValue(t, s, "truecount_merge_state_errors_total", "1")
	close(hung)
	s.disk.set(nil, nil)
	await.True(t, "the state is saved again", func() bool {
		read(t, s.Merger)
		wantValue(t, s, "clicks_total", "3") // and not what was under way while it hung
		return value(t, s, "truecount_merge_state_healthy") == "1"
	})
	s.Merger.Close()
	if got := strings.Count(s.log.String(), "level=WARN"); got != 1 || !strings.Contains(s.log.String(), "saving takes longer than 500ms") {
		t.Errorf("logged %d warnings: %s", got, s.log)
	}
	again := startSidecar(t, s.disk.Path(), merge.Options{Source: endpoints.Dir(dir)})
	wantValue(t, again, "clicks_total", "3")
}

func TestADiskThatFailsStopsNoServiceAndIsSaidOnce(t *testing.T) {
	dir := socketDir(t)
	clicks := startWorker(t, dir, 1).counter("clicks_total")
	s := startSidecar(t, filepath.Join(t.TempDir(), "state"), merge.Options{Source: endpoints.Dir(dir)})
	for i, err := range []error{nil, errors.New("no space left"), errors.New("no space left"), errors.New("no space left"), nil, errors.New("no space left")} {
		s.disk.set(err, nil)
		clicks.Inc()
		read(t, s.Merger)
		wantValue(t, s, "clicks_total", itoa(i+1))
		wantValue(t, s, "truecount_merge_state_healthy", map[bool]string{true: "1", false: "0"}[err == nil])
	}
	wantValue(t, s, "truecount_merge_state_errors_total", "4")
	wantValue(t, s, "truecount_merge_state_saves_total", "2")
	if got := strings.Count(s.log.String(), "no space left"); got != 2 {
		t.Errorf("said %d times instead of twice:\n%s", got, s.log)
	}
}

func TestM21ADamagedStateIsSaidKeptAsideAndCountersBeginAgain(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"cut off": func(t *testing.T, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		},
		"whole, of content that nobody can read": func(t *testing.T, path string) {
			f := openDisk(t, path)
			if err := errors.Join(f.File.Save([]byte{1, 2, 3}), f.File.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"of a later version": func(t *testing.T, path string) {
			f := openDisk(t, path)
			if err := errors.Join(f.File.Save([]byte{2, 0, 0, 0, 0}), f.File.Close()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
			a := startWorker(t, dir, 1)
			a.counter("clicks_total").Add(3)
			o := merge.Options{Source: endpoints.Dir(dir)}
			first := startSidecar(t, path, o)
			read(t, first.Merger)
			first.Merger.Close()
			a.remove()
			damage(t, path)

			startWorker(t, dir, 2).counter("clicks_total").Add(2)
			second := startSidecar(t, path, o)
			read(t, second.Merger)
			wantValue(t, second, "clicks_total", "2")
			wantValue(t, second, "truecount_merge_state_errors_total", "1")
			wantValue(t, second, "truecount_merge_state_healthy", "1")
			if log := second.log.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "hint=") || !strings.Contains(log, path+".damaged") {
				t.Errorf("logged %s", log)
			}
			second.kill()
			third := startSidecar(t, path, o)
			wantValue(t, third, "clicks_total", "2")
			wantValue(t, third, "truecount_merge_state_errors_total", "0")
		})
	}
}

func TestWhatEndedWorkersHandedOverIsSavedWithoutAScrapeAndAtTheEndAllIs(t *testing.T) {
	dir, path := socketDir(t), filepath.Join(t.TempDir(), "state")
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	a.counter("clicks_total").Add(3)
	clicks := b.counter("clicks_total")
	clicks.Add(4)
	var seconds atomic.Int64 // the clock goes on by one each time that it is looked at
	o := merge.Options{Source: endpoints.Dir(dir), Interval: 5 * time.Millisecond, Now: func() time.Time { return time.Unix(seconds.Add(1), 0) }}
	s := startSidecar(t, path, o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	await.True(t, "both are counted", func() bool { return s.Counter("clicks_total").Total == 7 })
	if n := s.disk.saves.Load(); n != 0 {
		t.Errorf("%d savings for nobody", n)
	}
	s.disk.set(errors.New("no space left"), nil)
	a.set(func() { a.state = "drained" })
	await.True(t, "it is tried again", func() bool { return s.disk.failures.Load() > 1 })
	s.disk.set(nil, nil)
	await.True(t, "it is saved", func() bool { return s.disk.saves.Load() > 0 })
	saved := s.disk.saves.Load()
	clicks.Inc()
	await.True(t, "one more is counted", func() bool { return s.Counter("clicks_total").Total == 8 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s.disk.saves.Load() == saved {
		t.Error("nothing was saved at the end")
	}
	wantValue(t, s, "clicks_total", "8") // it can still be scraped
	again := startSidecar(t, path, o)
	wantValue(t, again, "clicks_total", "8")
}

func TestWithoutAStateNothingIsSaidOfOne(t *testing.T) {
	dir := socketDir(t)
	startWorker(t, dir, 1)
	m := mergerOf(t, dir)
	read(t, m)
	wantAbsent(t, m, "truecount_merge_state")
}

func TestAStateThatIsNotOursIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte("global:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := merge.New(merge.Options{Source: list{}, State: openDisk(t, path)}); !errors.Is(err, state.ErrForeign) {
		t.Errorf("a merge began with %v", err)
	}
	openDisk(t, path) // New has let go of it
}
