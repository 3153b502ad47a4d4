package instrument_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
)

func TestL3ACollectorThatNeverStopsSendingFillsNoMemory(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) { o.MaxCollected = 1000 })
	var stop atomic.Bool
	var sent atomic.Int64
	desc := prometheus.NewDesc("endless", "Endless.", []string{"n"}, nil)
	register(t, m, "endless", func(_ context.Context, ch chan<- prometheus.Metric) error {
		for !stop.Load() {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, fmt.Sprint(sent.Add(1)))
		}
		return nil
	})
	s := served(t, m.Handler(), false)
	eventually(t, func() bool { // beside what keeps the processors busy, putting the answer together may take too long: 503
		status, text := scrape(t, s, "3")
		return status == http.StatusOK && has(text, `instrument_collector_success{collector="endless"} 0`)
	})
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, after := heap(), sent.Load()+50_000
	eventually(t, func() bool { return sent.Load() > after })
	now := heap()
	defer func() {
		t.Logf("%d kB more after 50,000 metrics that nobody waits for", (int64(now)-int64(before))>>10)
	}()
	eventually(t, func() bool { // what was just sent is no longer there when it is looked at again
		now = heap()
		return now <= before+4<<20
	})
	stop.Store(true)
	eventually(t, func() bool {
		_, text := scrape(t, s, "5")
		return has(text, `instrument_collector_success{collector="endless"} 1`)
	})
}

func TestL3ACollectorMaySendABoundedNumberOfMetrics(t *testing.T) {
	m, reg := newMetrics(t)
	register(t, m, "many", func(_ context.Context, ch chan<- prometheus.Metric) error {
		for n := range 10_007 {
			ch <- gauge("many", "n", fmt.Sprint(n))
		}
		return nil
	})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "many":
			if len(f.Metric) != 10_000 {
				t.Errorf("%d series", len(f.Metric))
			}
		case "instrument_collector_success":
			if f.Metric[0].Gauge.GetValue() != 0 {
				t.Error("what was dropped is not told")
			}
		}
	}
}

func TestL3ARegisteredCollectorIsGuardedAsAFunctionIs(t *testing.T) {
	m, reg := newMetrics(t)
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	for name, value := range map[string]func() float64{"sound": func() float64 { return 7 }, "broken": func() float64 { panic("no value") }} {
		if err := m.Register(name, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: "A gauge."}, value)); err != nil {
			t.Fatal(err)
		}
	}
	wantLines(t, exposition(t, m), "sound 7", "clicks_total 0", `instrument_collector_success{collector="sound"} 1`,
		`instrument_collector_success{collector="broken"} 0`, `instrument_collector_failures_total{collector="broken",reason="panic"} 1`)
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("the metrics about collectors: %v, %v", problems, err)
	}
	if m.Register("nothing", nil) == nil || m.RegisterFunc("nothing", nil) == nil {
		t.Error("nothing to collect is no error")
	}
}

func TestL3GoroutinesStayFlatOverAThousandScrapesOfACollectorThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		runs := 0
		m, _ := newMetrics(t)
		register(t, m, "hanging", func(_ context.Context, ch chan<- prometheus.Metric) error {
			runs++
			ch <- gauge("hanging")
			<-hang
			return nil
		})
		h := m.Handler()
		ask := func(timeout string) string {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, scrapeRequest(timeout))
			if rec.Code != http.StatusOK {
				t.Fatalf("answered %d: %s", rec.Code, rec.Body)
			}
			return rec.Body.String()
		}
		if text := ask("0.1"); !has(text, "hanging 1") { // sent in this scrape, before it hung
			t.Errorf("what was sent is missing:\n%s", text)
		}
		before := runtime.NumGoroutine()
		var text string
		for range 1000 {
			text = ask("10") // answered at once: the run is late already
		}
		eventually(t, func() bool { return runtime.NumGoroutine() <= before }) // the last scrape's own may still be ending
		if has(text, "hanging 1") {
			t.Error("a value of an earlier scrape is exposed")
		}
		wantLines(t, text, `instrument_collector_success{collector="hanging"} 0`, `instrument_collector_failures_total{collector="hanging",reason="timeout"} 1001`)
		close(hang)
		eventually(t, func() bool { return has(ask("10"), `instrument_collector_success{collector="hanging"} 1`) })
		if runs < 2 || runs > 3 {
			t.Errorf("%d runs", runs)
		}
	})
}

func TestL3ACollectorThatSendsLateDoesNotPanicAndIsNotExposed(t *testing.T) {
	m, _ := newMetrics(t)
	var sender sync.WaitGroup
	late, first := make(chan struct{}), true
	register(t, m, "late", func(_ context.Context, ch chan<- prometheus.Metric) error {
		if first {
			sender.Go(func() {
				<-late
				ch <- gauge("late")
			})
		}
		first = false
		return nil
	})
	exposition(t, m)
	close(late)
	sender.Wait()
	if has(exposition(t, m), "late 1") {
		t.Error("what one run sent too late is exposed by the next")
	}
}
