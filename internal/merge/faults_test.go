package merge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/test/await"
)

func TestM2AWorkerThatDiesWhileItAnswersHidesNobody(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	a.counter("clicks_total").Add(3)
	clicks := b.counter("clicks_total")
	m := mergerOf(t, dir)
	read(t, m)
	a.set(func() {
		a.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("clicks_total 1"))
			panic(http.ErrAbortHandler)
		})
	})
	clicks.Add(4)
	read(t, m)
	wantValue(t, m, "clicks_total", "7")
	wantValue(t, m, `truecount_merge_worker_up{worker="pid=1"}`, "0")
	wantValue(t, m, `truecount_merge_worker_up{worker="pid=2"}`, "1")
	wantValue(t, m, `truecount_merge_read_errors_total{reason="interrupted"}`, "1")
}

func TestAWorkerIsToldHowLongItsAnswerIsWaitedFor(t *testing.T) {
	a := startWorker(t, socketDir(t), 1)
	told := make(chan string, 1)
	a.set(func() {
		a.handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			told <- r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds")
		})
	})
	read(t, newMerger(t, merge.Options{Source: list{{Network: "unix", Address: a.socket}}, Timeout: 1500 * time.Millisecond}))
	if got := <-told; got != "1.5" {
		t.Errorf("it was told %q seconds, want 1.5", got)
	}
}

func TestM8DeadGenerationsCostAScrapeNothing(t *testing.T) {
	a := startWorker(t, socketDir(t), 1)
	m := newMerger(t, merge.Options{Source: list{{Network: "unix", Address: a.socket}}})
	const generations = 10_000
	for i := range generations {
		a.set(func() { a.start = float64(i + 1) })
		a.says(text, "# TYPE clicks_total counter\nclicks_total 1\n")
		read(t, m)
	}
	wantValue(t, m, "clicks_total", fmt.Sprint(generations))
	wantValue(t, m, "truecount_merge_retained_series", "1")
	if page := scrape(t, m); strings.Count(page, "\n") > 100 {
		t.Errorf("the page grew to %d lines", strings.Count(page, "\n"))
	}
	if n := len(m.Workers()); n != 1 {
		t.Errorf("%d workers", n)
	}
}

// parses fails unless each format of the page is read to its end by Prometheus' own parsers.
func parses(t testing.TB, h http.Handler) {
	t.Helper()
	for _, format := range []string{text, "application/openmetrics-text; version=1.0.0", acceptProto} {
		p, err := textparse.New(scrapeAs(t, h, format), format, labels.NewSymbolTable(), textparse.ParserOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = p.Next()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("as %s: %v", format, err)
		}
	}
}

func TestM15ConflictsAreCountedOnceAndNeverMakeAnInvalidExposition(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	a.says(text, "# HELP size Old.\n# TYPE size histogram\nsize_bucket{le=\"1\"} 1\nsize_bucket{le=\"5\"} 3\nsize_bucket{le=\"10\"} 4\nsize_bucket{le=\"+Inf\"} 5\nsize_sum 40\nsize_count 5\n"+
		"# TYPE clicks_total counter\nclicks_total 3\n")
	m := mergerOf(t, dir)
	read(t, m)
	b.says(text, "# HELP size New.\n# TYPE size histogram\nsize_bucket{le=\"2\"} 1\nsize_bucket{le=\"5\"} 2\nsize_bucket{le=\"20\"} 2\nsize_bucket{le=\"+Inf\"} 2\nsize_sum 5.5\nsize_count 2\n"+
		"# TYPE clicks_total gauge\nclicks_total 100\n# TYPE size_count gauge\n"+"# TYPE size_sum gauge\nsize_sum{a=\"b\"} 9\n")
	for range 3 {
		read(t, m)
	}
	page := scrape(t, m)
	for _, line := range []string{
		"# HELP size Old.", `size_bucket{le="5"} 5`, `size_bucket{le="+Inf"} 7`, "size_sum 45.5", "size_count 7", "clicks_total 3",
	} {
		if !strings.Contains(page, "\n"+line+"\n") && !strings.HasPrefix(page, line+"\n") {
			t.Errorf("no %q in:\n%s", line, page)
		}
	}
	if strings.Count(page, "size_bucket{") != 2 {
		t.Errorf("buckets that are not shared:\n%s", page)
	}
	// Both workers have bounds that are not exposed.
	for kind, want := range map[string]string{"type": "1", "help": "1", "bounds": "2", "name": "1"} {
		wantValue(t, m, `truecount_merge_conflicts_total{kind="`+kind+`"}`, want)
	}
	parses(t, m)
}

func TestM15AGaugeThatNobodyExposesAnyMoreMayBecomeACounter(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.gauge("walks_total").Set(3)
	m := mergerOf(t, dir)
	read(t, m)
	a.remove()
	startWorker(t, dir, 2).counter("walks_total").Add(2)
	read(t, m)
	read(t, m)
	wantValue(t, m, "walks_total", "2")
	if page := scrape(t, m); !strings.Contains(page, "# TYPE walks_total counter") {
		t.Error(page)
	}
}

func TestM18TheClockHasNoEffectOnCounters(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	clicks := a.counter("clicks_total")
	now := time.Unix(1_763_618_400, 0)
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Now: func() time.Time { return now }})
	for i, jump := range []time.Duration{0, time.Hour, -2 * time.Hour, time.Millisecond, -time.Hour} {
		now = now.Add(jump)
		clicks.Inc()
		read(t, m)
		wantValue(t, m, "clicks_total", fmt.Sprint(i+1))
	}
}

func TestM19AWorkerThatHangsDelaysNobodyAndIsContinuedWhenItWakes(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	stuck, clicks := a.counter("clicks_total"), b.counter("clicks_total")
	a.gauge("in_flight").Set(10)
	b.gauge("in_flight").Set(1)
	stuck.Add(3)
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Interval: time.Millisecond, Timeout: 3 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	await.True(t, "both are up", func() bool { return m.Counter("clicks_total").Total == 3 && len(m.Workers()) == 2 })

	wake := make(chan struct{})
	a.set(func() { a.hang = wake })
	downs := 0
	for i := 1; i <= 20; i++ {
		clicks.Inc()
		want := float64(3 + i)
		await.True(t, "the other's click is merged", func() bool { return m.Counter("clicks_total").Total == want })
		if m.Workers()[0].State == merge.WorkerDown {
			downs++
		}
	}
	if downs == 20 {
		t.Error("twenty rounds of the other each waited for the deadline of the one that hangs")
	}
	await.True(t, "it is marked down", func() bool { return m.Workers()[0].State == merge.WorkerDown })
	wantValue(t, m, `truecount_merge_worker_up{worker="pid=1"}`, "0")
	wantValue(t, m, "truecount_merge_completeness_ratio", "0.5")
	wantValue(t, m, "clicks_total", "23")
	wantValue(t, m, "in_flight", "1")

	stuck.Inc() // a click that was under way
	a.set(func() { a.hang = nil })
	close(wake)
	await.True(t, "it is up again", func() bool { return m.Workers()[0].Up })
	wantValue(t, m, "clicks_total", "24")
	wantValue(t, m, "truecount_merge_completeness_ratio", "1")
	wantValue(t, m, "in_flight", "11")
	wantValue(t, m, `truecount_merge_generations_total{event="started"}`, "2")
}

func TestM22CountsAreExactBeyondFloatsAndSumsDoNotCreep(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	a.set(func() { a.handler = protoHandler(bigHistogram(1<<53 + 1)) })
	b.set(func() { b.handler = protoHandler(bigHistogram(1<<53 + 2)) })
	m := mergerOf(t, dir)
	read(t, m)
	if got, want := families(t, m)["big"].Metric[0].Histogram.GetSampleCount(), uint64(1<<54+3); got != want {
		t.Errorf("the count is %d, want %d", got, want)
	}
	a.set(func() { a.handler = protoHandler(bigHistogram(1<<64 - 1)) })
	b.set(func() { b.handler = protoHandler(bigHistogram(1<<64 - 1)) })
	read(t, m)
	if got := families(t, m)["big"].Metric[0].Histogram.GetSampleCount(); got != 1<<64-1 {
		t.Errorf("the count is %d: it must stay at the greatest", got)
	}
}

func TestM22NegativeAndNonFiniteCountsAreRefused(t *testing.T) {
	for _, v := range []string{"-1", "NaN", "+Inf", "-Inf"} {
		t.Run(v, func(t *testing.T) {
			dir := socketDir(t)
			a := startWorker(t, dir, 1)
			a.says(text, "# TYPE clicks_total counter\nclicks_total 3\n# TYPE size summary\nsize_sum 4\nsize_count 2\n")
			m := mergerOf(t, dir)
			read(t, m)
			a.says(text, "# TYPE clicks_total counter\nclicks_total "+v+"\n# TYPE size summary\nsize_sum "+v+"\nsize_count 3\n")
			read(t, m)
			wantValue(t, m, "clicks_total", "3")
			wantValue(t, m, "size_count", "3")
			if v != "-1" { // a sum may be negative
				wantValue(t, m, "size_sum", "4")
			}
			a.says(text, "# TYPE clicks_total counter\nclicks_total 4\n# TYPE size summary\nsize_sum 6\nsize_count 4\n")
			read(t, m)
			wantValue(t, m, "clicks_total", "4")
			wantValue(t, m, "size_sum", "6")
		})
	}
}

func TestM23ScrapesAtOnceAreIdenticalAndRenderedOnce(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "walks_total", Help: "T."}, []string{"i"})
	a.registry.MustRegister(v)
	for i := range 200 {
		v.WithLabelValues(fmt.Sprint(i)).Inc()
	}
	m := mergerOf(t, dir)
	read(t, m)
	want := scrape(t, m)
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			rec := httptest.NewRecorder()
			m.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			if rec.Body.String() != want {
				t.Error("two scrapes of one moment differ")
			}
		})
	}
	wait.Wait()
	if a.served != 1 {
		t.Errorf("100 scrapes read the worker %d times", a.served)
	}
}

func TestTheSourceFailingKeepsTheWorkersKnown(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	clicks := a.counter("clicks_total")
	source := &failing{list: list{{Network: "unix", Address: a.socket}}}
	m := newMerger(t, merge.Options{Source: source})
	read(t, m)
	source.err = errors.New("disk on fire")
	clicks.Inc()
	if err := m.Read(context.Background()); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("the error is %v", err)
	}
	wantValue(t, m, "clicks_total", "1")
	wantValue(t, m, "truecount_merge_source_errors_total", "1")
}

func TestMoreEndpointsThanTheLimitAreLeftOut(t *testing.T) {
	dir := socketDir(t)
	for pid := 1; pid <= 4; pid++ {
		startWorker(t, dir, pid).counter("clicks_total").Inc()
	}
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Endpoints: 3}})
	read(t, m)
	wantValue(t, m, "clicks_total", "3")
	wantValue(t, m, `truecount_merge_skipped_total{reason="endpoint_limit"}`, "1")
}

// list is a Source that does not change.
type list []merge.Endpoint

func (l list) Endpoints(context.Context) ([]merge.Endpoint, error) { return l, nil }

type failing struct {
	list
	err error
}

func (f *failing) Endpoints(ctx context.Context) ([]merge.Endpoint, error) { return f.list, f.err }
