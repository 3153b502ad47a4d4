package merge_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/test/await"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestCountersOfAllWorkersAreOne(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	a.counter("clicks_total").Add(3)
	b.counter("clicks_total").Add(4)
	m := mergerOf(t, dir)
	read(t, m)

	wantValue(t, m, "clicks_total", "7")
	c := m.Counter("clicks_total")
	if !c.Found || c.Total != 7 || len(c.Workers) != 2 || c.Workers[0].Value != 3 || c.Workers[1].Value != 4 || c.Workers[1].Worker != "pid=2" {
		t.Errorf("the counter is %+v", c)
	}
}

func TestACounterNeverGoesDownWhenAWorkerIsKilled(t *testing.T) {
	for _, left := range []string{"the socket's file stays", "the socket's file goes"} {
		t.Run(left, func(t *testing.T) {
			dir := socketDir(t)
			a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
			a.counter("clicks_total").Add(3)
			clicks := b.counter("clicks_total")
			clicks.Add(4)
			a.gauge("in_flight").Set(10)
			b.gauge("in_flight").Set(1)
			m := mergerOf(t, dir)
			read(t, m)
			wantValue(t, m, "in_flight", "11")
			if a.kill(); left == "the socket's file goes" {
				a.remove()
			}
			for range 3 {
				read(t, m)
				wantValue(t, m, "clicks_total", "7")
				wantValue(t, m, "in_flight", "1")
			}
			clicks.Inc()
			read(t, m)
			wantValue(t, m, "clicks_total", "8")
			wantValue(t, m, `truecount_merge_generations_total{event="lost"}`, "1")
		})
	}
}

func TestM7AReusedPidIsANewGeneration(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.counter("clicks_total").Add(3)
	m := mergerOf(t, dir)
	read(t, m)
	a.remove()

	again := startWorker(t, dir, 1)
	again.set(func() { again.start += 5 })
	again.counter("clicks_total").Add(10) // more than before: only the start time tells
	read(t, m)
	wantValue(t, m, "clicks_total", "13")
}

func TestADrainedWorkerIsCountedOnceHoweverOftenItIsRead(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	clicks := a.counter("clicks_total")
	a.gauge("in_flight").Set(5)
	clicks.Add(3)
	m := mergerOf(t, dir)
	read(t, m)

	clicks.Add(2) // counted while it drained, handed over with the last read
	a.set(func() { a.state = "drained" })
	for range 3 {
		read(t, m)
		wantValue(t, m, "clicks_total", "5")
		wantAbsent(t, m, "in_flight")
	}
	a.remove()
	read(t, m)
	wantValue(t, m, "clicks_total", "5")
	wantValue(t, m, `truecount_merge_generations_total{event="drained"}`, "1")
	wantValue(t, m, `truecount_merge_generations_total{event="lost"}`, "0")
}

func TestAWorkerThatDrainsBeforeItsFirstReadingIsCountedWhole(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.counter("clicks_total").Add(2)
	a.set(func() { a.state = "drained" })
	m := mergerOf(t, dir)
	read(t, m)
	read(t, m)
	wantValue(t, m, "clicks_total", "2")
}

func TestAGenerationThatComesBackIsContinued(t *testing.T) {
	for _, gone := range []string{"refuses", "vanishes"} {
		t.Run(gone, func(t *testing.T) {
			dir := socketDir(t)
			a := startWorker(t, dir, 1)
			clicks := a.counter("clicks_total")
			clicks.Add(3)
			m := mergerOf(t, dir)
			read(t, m)
			if a.kill(); gone == "vanishes" {
				a.remove()
			}
			read(t, m)
			clicks.Inc()
			a.listen()
			read(t, m)
			wantValue(t, m, "clicks_total", "4")
			wantValue(t, m, `truecount_merge_generations_total{event="returned"}`, "1")
		})
	}
}

func TestAGenerationThatWasForgottenIsNotAddedAgain(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	clicks := a.counter("clicks_total")
	clicks.Add(3)
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Departed: 1}})
	read(t, m)
	a.remove()
	read(t, m)
	b := startWorker(t, dir, 2)
	b.counter("clicks_total").Add(10)
	read(t, m)
	b.remove()
	read(t, m) // now only the name of the first is remembered
	clicks.Add(4)
	a.listen()
	read(t, m)
	wantValue(t, m, "clicks_total", "13") // what it counted while it was away is lost, nothing is counted twice
	clicks.Inc()
	read(t, m)
	wantValue(t, m, "clicks_total", "14")
}

func TestAWorkerOnTwoEndpointsIsCountedOnce(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.counter("clicks_total").Add(3)
	other := startWorker(t, dir, 2)
	other.set(func() { other.pid, other.start, other.registry = a.pid, a.start, a.registry })
	m := mergerOf(t, dir)
	for range 4 {
		read(t, m)
		wantValue(t, m, "clicks_total", "3")
	}
	if got := value(t, m, `truecount_merge_read_errors_total{reason="duplicate"}`); got != "4" {
		t.Errorf("duplicates: %s", got)
	}
	a.remove() // the other endpoint carries on for it
	read(t, m)
	read(t, m)
	wantValue(t, m, "clicks_total", "3")
}

func TestProgramsWithoutTheHeaderAreTheirAddressAndStartTime(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.set(func() { a.bare = true })
	says := func(start, clicks string) {
		a.says(text, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds "+start+
			"\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "+clicks+
			"\n# TYPE clicks_total counter\nclicks_total "+clicks+"\n")
	}
	m := mergerOf(t, dir)
	says("1000", "5")
	read(t, m)
	says("4600", "6") // M18: the clock was set, and with it the start that is reckoned from it
	read(t, m)
	wantValue(t, m, "clicks_total", "6")
	says("4700", "2") // another process
	read(t, m)
	wantValue(t, m, "clicks_total", "8")
	says("4700", "3")
	read(t, m)
	wantValue(t, m, "clicks_total", "9")
}

func TestM17ACounterResetInsideAWorkerGoesOn(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.counter("clicks_total").Add(5)
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "seconds", Help: "T.", Buckets: []float64{1, 5}})
	a.registry.MustRegister(h)
	h.Observe(3)
	m := mergerOf(t, dir)
	read(t, m)

	a.set(func() { a.registry = prometheus.NewRegistry() })
	a.counter("clicks_total").Add(2)
	h = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "seconds", Help: "T.", Buckets: []float64{1, 5}})
	a.registry.MustRegister(h)
	h.Observe(0.5)
	read(t, m)
	wantValue(t, m, "clicks_total", "7")
	wantValue(t, m, `seconds_bucket{le="1"}`, "1")
	wantValue(t, m, `seconds_bucket{le="5"}`, "2")
	wantValue(t, m, "seconds_count", "2")
	wantValue(t, m, "seconds_sum", "3.5")
	wantValue(t, m, "truecount_merge_resets_total", "2")
}

func TestM17AResetThatWasOutgrownIsSeenByItsCreationTime(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.set(func() { a.start = 77 })
	answer := func(date time.Time, created, clicks string) {
		a.says("application/openmetrics-text; version=1.0.0", "# TYPE clicks counter\nclicks_total "+clicks+"\nclicks_created "+created+"\n# EOF\n")
		a.set(func() { a.handler = dated(a.handler, date) })
	}
	m := mergerOf(t, dir)
	answer(time.Unix(1000, 0), "900", "2")
	read(t, m)
	answer(time.Unix(1001, 0), "1000.5", "3") // 2, reset, then 3
	read(t, m)
	wantValue(t, m, "clicks_total", "5")
	answer(time.Unix(1002, 0), "1000.6", "4") // a creation time that wavers is no reset
	read(t, m)
	wantValue(t, m, "clicks_total", "6")
}

// TestATotalWasCreatedWhenItsOldestWorkerBegan has the oldest worker found last: what it has counted since it began is in the
// total, which therefore can't have begun later.
func TestATotalWasCreatedWhenItsOldestWorkerBegan(t *testing.T) {
	dir := socketDir(t)
	m := mergerOf(t, dir)
	for i, w := range []struct{ created, want int64 }{{900, 900}, {950, 900}, {800, 800}} {
		startWorker(t, dir, i+1).says("application/openmetrics-text; version=1.0.0", fmt.Sprintf(`# TYPE clicks counter
clicks_total 1
clicks_created %[1]d
# TYPE wait histogram
wait_bucket{le="+Inf"} 1
wait_sum 1
wait_count 1
wait_created %[1]d
# TYPE size summary
size_sum 1
size_count 1
size_created %[1]d
# EOF
`, w.created))
		read(t, m)
		all := families(t, m)
		for name, got := range map[string]*timestamppb.Timestamp{
			"clicks_total": all["clicks_total"].Metric[0].Counter.CreatedTimestamp,
			"wait":         all["wait"].Metric[0].Histogram.CreatedTimestamp,
			"size":         all["size"].Metric[0].Summary.CreatedTimestamp,
		} {
			if got.GetSeconds() != w.want {
				t.Errorf("with a worker of %d, %s was created at %v", w.created, name, got)
			}
		}
	}
}

// TestATotalThatBeganWithAWorkerThatTellsNoStartHasNone: that one may have begun before the others.
func TestATotalThatBeganWithAWorkerThatTellsNoStartHasNone(t *testing.T) {
	dir := socketDir(t)
	m := mergerOf(t, dir)
	for i, created := range []string{"", "clicks_created 900\n"} {
		startWorker(t, dir, i+1).says("application/openmetrics-text; version=1.0.0", "# TYPE clicks counter\nclicks_total 1\n"+created+"# EOF\n")
		read(t, m)
		if got := families(t, m)["clicks_total"].Metric[0].Counter.CreatedTimestamp; got != nil {
			t.Errorf("it was created at %v", got)
		}
	}
}

func TestALabelSetThatVanishesKeepsItsTotal(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "walks_total", Help: "T."}, []string{"kind"})
	a.registry.MustRegister(v)
	v.WithLabelValues("long").Add(3)
	v.WithLabelValues("short").Add(1)
	m := mergerOf(t, dir)
	read(t, m)
	v.DeleteLabelValues("long")
	read(t, m)
	wantValue(t, m, `walks_total{kind="long"}`, "3")
	v.WithLabelValues("long").Add(2)
	read(t, m)
	wantValue(t, m, `walks_total{kind="long"}`, "5")
	if c := m.Counter("walks_total", merge.Label{Name: "kind", Value: "long"}); c.Total != 5 {
		t.Errorf("matched total: %+v", c)
	}
}

func TestGaugesHaveModes(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	for i, w := range []*worker{a, b} {
		for _, name := range []string{"queue", "process_start_time_seconds", "app_info", "job_timestamp_seconds",
			"migrations_applied", "shop_migrations_unapplied", "django_migrations_unapplied_total", "instrument_collector_success", "least", "latest", "each", "top_one"} {
			w.gauge(name).Set(float64(10 + i))
		}
	}
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Gauges: map[string]merge.GaugeMode{
		"least": merge.GaugeMin, "latest": merge.GaugeMostRecent, "each": merge.GaugeAll, "top_*": merge.GaugeMax}})
	read(t, m)
	wantValue(t, m, "queue", "21")
	wantValue(t, m, "process_start_time_seconds", "10")
	wantValue(t, m, "app_info", "11")
	wantValue(t, m, "job_timestamp_seconds", "11")
	wantValue(t, m, "migrations_applied", "10")
	wantValue(t, m, "shop_migrations_unapplied", "11")
	wantValue(t, m, "django_migrations_unapplied_total", "11")
	wantValue(t, m, "instrument_collector_success", "10")
	wantValue(t, m, "least", "10")
	wantValue(t, m, "top_one", "11")
	wantValue(t, m, `each{pid="1"}`, "10")
	wantValue(t, m, `each{pid="2"}`, "11")
}

func TestM18MostRecentIsTheGaugeThatChangedLastWhateverTheClockSays(t *testing.T) {
	dir := socketDir(t)
	a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	ga, gb := a.gauge("version"), b.gauge("version")
	var hours atomic.Int64 // a clock that runs backwards
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Now: func() time.Time { return time.Unix(5000-3600*hours.Add(1), 0) },
		Gauges: map[string]merge.GaugeMode{"version": merge.GaugeMostRecent}})
	read(t, m) // both show 0 for the first time
	for _, step := range []struct {
		g prometheus.Gauge
		v float64
	}{{ga, 1}, {gb, 2}, {ga, 3}, {ga, 4}, {gb, 5}} {
		step.g.Set(step.v)
		read(t, m)
		wantValue(t, m, "version", fmt.Sprint(step.v))
	}
}

func TestSummariesKeepSumAndCountAndLoseQuantiles(t *testing.T) {
	dir := socketDir(t)
	for pid := 1; pid <= 2; pid++ {
		w := startWorker(t, dir, pid)
		s := prometheus.NewSummary(prometheus.SummaryOpts{Name: "size", Help: "T.", Objectives: map[float64]float64{.5: .05, .9: .01}})
		w.registry.MustRegister(s)
		s.Observe(float64(pid))
	}
	m := mergerOf(t, dir)
	read(t, m)
	wantValue(t, m, "size_sum", "3")
	wantValue(t, m, "size_count", "2")
	wantAbsent(t, m, "size{")
	wantValue(t, m, `truecount_merge_skipped_total{reason="summary_quantiles"}`, "4")
}

func TestAScrapeDoesNotReadWorkers(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.counter("clicks_total").Add(3)
	m := mergerOf(t, dir)
	read(t, m)
	for range 50 {
		scrape(t, m)
		scrape(t, m.NaiveHandler())
	}
	if a.served != 1 {
		t.Errorf("50 scrapes read the worker %d times", a.served)
	}
}

func TestTheNaiveViewIsOneWorkerAtATime(t *testing.T) {
	dir := socketDir(t)
	startWorker(t, dir, 1).counter("clicks_total").Add(3)
	startWorker(t, dir, 2).counter("clicks_total").Add(40)
	m := mergerOf(t, dir)
	read(t, m)
	seen := map[string]bool{}
	await.True(t, "both workers were seen", func() bool {
		seen[value(t, m.NaiveHandler(), "clicks_total")] = true
		return seen["3"] && seen["40"]
	})
	if len(seen) != 2 {
		t.Errorf("saw %v", seen)
	}
}

func TestRunReadsOnItsOwnClockUntilItsContextEnds(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	clicks := a.counter("clicks_total")
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Interval: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	for i := 1; i <= 5; i++ {
		clicks.Inc()
		await.True(t, "the click is merged", func() bool { return m.Counter("clicks_total").Total == float64(i) })
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	wantValue(t, m, "clicks_total", "5")
}

func TestMergersShareARegisterer(t *testing.T) {
	reg := prometheus.NewRegistry()
	dir := socketDir(t)
	one := newMerger(t, merge.Options{Name: "clicks-0", Source: endpoints.Dir(dir), Registerer: reg})
	newMerger(t, merge.Options{Name: "clicks-1", Source: endpoints.Dir(dir), Registerer: reg})
	if _, err := merge.New(merge.Options{Name: "clicks-1", Source: endpoints.Dir(dir), Registerer: reg}); err == nil {
		t.Error("two mergers of one name were registered")
	}
	got, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got[0].Metric); !strings.HasPrefix(got[0].GetName(), "truecount_merge_") || n%2 != 0 {
		t.Errorf("gathered %v", got[0])
	}
	if problems, err := promlint.NewWithMetricFamilies(got).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	one.Close()
	if again, err := merge.New(merge.Options{Name: "clicks-0", Source: endpoints.Dir(dir), Registerer: reg}); err != nil {
		t.Errorf("after Close the name is not free: %v", err)
	} else {
		again.Close()
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]merge.Options{
		"no source":         {},
		"negative interval": {Source: endpoints.Dir("x"), Interval: -1},
		"unknown mode":      {Source: endpoints.Dir("x"), Gauges: map[string]merge.GaugeMode{"a": "average"}},
	} {
		if _, err := merge.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
