package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// scrapeRequest is what Prometheus sends; without a timeout it is what a person's browser sends.
func scrapeRequest(timeout string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if timeout != "" {
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
	}
	return r
}

// granted returns how long a collector may take in a scrape with the header.
func granted(t testing.TB, header string, longest time.Duration) (d time.Duration) {
	t.Helper()
	m, _ := newMetrics(t, func(o *instrument.Options) { o.ScrapeTimeout = longest })
	start := time.Now()
	register(t, m, "clock", func(ctx context.Context, _ chan<- prometheus.Metric) error {
		deadline, ok := ctx.Deadline()
		if !ok {
			t.Error("no deadline")
		}
		d = deadline.Sub(start)
		return nil
	})
	r := scrapeRequest("")
	r.Header["X-Prometheus-Scrape-Timeout-Seconds"] = []string{header}
	m.Handler().ServeHTTP(httptest.NewRecorder(), r)
	return d
}

func TestCollectorsEndAMarginBeforeTheScraperGivesUp(t *testing.T) {
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{
		{"10", 9500 * time.Millisecond},
		{"5", 4500 * time.Millisecond},
		{"2.5", 2 * time.Second},
		{"1", 800 * time.Millisecond}, // a fifth: half of it would be half a second
		{"0.5", 400 * time.Millisecond},
		{"0.0001", 8 * time.Millisecond}, // nobody means it
		{"60", 29500 * time.Millisecond}, // Options.ScrapeTimeout is the longest
		{"1e308", 29500 * time.Millisecond},
		{"", 29500 * time.Millisecond},
		{"0", 29500 * time.Millisecond},
		{"-1", 29500 * time.Millisecond},
		{"NaN", 29500 * time.Millisecond},
		{"+Inf", 29500 * time.Millisecond},
		{"1e400", 29500 * time.Millisecond},
		{"ten", 29500 * time.Millisecond},
		{"10s", 29500 * time.Millisecond},
	} {
		t.Run(tt.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := granted(t, tt.header, 30*time.Second); got != tt.want {
					t.Errorf("%q grants %s, want %s", tt.header, got, tt.want)
				}
			})
		})
	}
}

func FuzzAScrapeTimeoutGrantsSomeTimeAndNeverMoreThanAllowed(f *testing.F) {
	for _, seed := range []string{"10", "1.5", "-1", "NaN", "Inf", "0x1p-2", "1e-400", "1_0", " 3", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		synctest.Test(t, func(t *testing.T) {
			if got := granted(t, header, time.Minute); got <= 0 || got >= time.Minute {
				t.Errorf("%q grants %s", header, got)
			}
		})
	})
}

func TestAnotherGathererGrantsTheTimeOfTheOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMetrics(t, func(o *instrument.Options) { o.ScrapeTimeout = 4 * time.Second })
		hang := make(chan struct{})
		defer close(hang)
		register(t, m, "hanging", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("sent")
			<-hang
			return nil
		})
		start := time.Now()
		families, err := reg.Gather()
		if took := time.Since(start); took != 3500*time.Millisecond || err != nil {
			t.Errorf("gathered after %s, %v", took, err)
		}
		found := false
		for _, f := range families {
			found = found || f.GetName() == "sent"
		}
		if !found {
			t.Error("what was sent is missing")
		}
	})
}

func TestL3ACollectorOfTheRegistryItselfThatBlocksIsAnswered503BeforeTheScraperGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMetrics(t)
		hang := make(chan struct{})
		defer close(hang)
		if err := reg.Register(newCollector("stuck", func(chan<- prometheus.Metric, *prometheus.Desc) { <-hang })); err != nil {
			t.Fatal(err)
		}
		for timeout, before := range map[string]time.Duration{"1": time.Second, "5": 5 * time.Second, "": 10 * time.Second} {
			start := time.Now()
			rec := httptest.NewRecorder()
			m.Handler().ServeHTTP(rec, scrapeRequest(timeout))
			if took := time.Since(start); took >= before || took < before*4/5 || rec.Code != http.StatusServiceUnavailable {
				t.Errorf("timeout %q: %d after %s", timeout, rec.Code, took)
			}
			if !strings.Contains(rec.Body.String(), "a collector hangs") {
				t.Errorf("answered %q", rec.Body)
			}
		}
	})
}

func TestScrapesAtOnceShareARunThatBeganAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMetrics(t)
		runs, running := 0, 0
		register(t, m, "slow", func(_ context.Context, ch chan<- prometheus.Metric) error {
			runs++
			if running++; running > 1 {
				t.Error("two runs at once")
			}
			value := float64(runs)
			<-time.After(time.Second)
			running--
			ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("run", "The run.", nil, nil), prometheus.GaugeValue, value)
			return nil
		})
		scrapeAfter := func(wait time.Duration, want string) func() {
			return func() {
				<-time.After(wait)
				if text := exposition(t, m); !has(text, want) || !has(text, `instrument_collector_success{collector="slow"} 1`) {
					t.Errorf("the scrape after %s wants %s, got:\n%s", wait, want, text)
				}
			}
		}
		var wg sync.WaitGroup
		wg.Go(scrapeAfter(0, "run 1"))
		for range 5 {
			wg.Go(scrapeAfter(500*time.Millisecond, "run 2")) // the first run may have read its values before
		}
		wg.Wait()
		if runs != 2 {
			t.Errorf("%d runs for six scrapes", runs)
		}
	})
}

func TestEachScrapeGrantsTheTimeThatItsOwnScraperWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMetrics(t)
		var deadlines []time.Duration
		start := time.Now()
		register(t, m, "waiting", func(ctx context.Context, _ chan<- prometheus.Metric) error {
			deadline, _ := ctx.Deadline()
			deadlines = append(deadlines, deadline.Sub(start))
			<-time.After(100 * time.Millisecond)
			return nil
		})
		var wg sync.WaitGroup
		for _, timeout := range []string{"1", "0.4", "5"} {
			wg.Go(func() { m.Handler().ServeHTTP(httptest.NewRecorder(), scrapeRequest(timeout)) })
			synctest.Wait()
			<-time.After(101 * time.Millisecond)
		}
		wg.Wait()
		if _, err := reg.Gather(); err != nil {
			t.Error(err)
		}
		want := []time.Duration{800 * time.Millisecond, 421 * time.Millisecond, 4702 * time.Millisecond, 9803 * time.Millisecond}
		if !slices.Equal(deadlines, want) {
			t.Errorf("runs were to end after %v, want %v", deadlines, want)
		}
	})
}

// TestScrapersThatGrantLittleTakeNothingFromThoseThatGrantMore has two that come again and again and give up before the
// collector is back, whether it looks at its context or not.
func TestScrapersThatGrantLittleTakeNothingFromThoseThatGrantMore(t *testing.T) {
	for _, obeys := range []bool{true, false} {
		t.Run(fmt.Sprintf("the collector obeys its context %t", obeys), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newMetrics(t)
				register(t, m, "slow", func(ctx context.Context, ch chan<- prometheus.Metric) error {
					if obeys {
						select {
						case <-time.After(50 * time.Millisecond):
						case <-ctx.Done():
							return ctx.Err()
						}
					} else {
						<-time.After(50 * time.Millisecond)
					}
					ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("rows", "Rows.", nil, nil), prometheus.GaugeValue, 7)
					return nil
				})
				stop := make(chan struct{})
				var hasty sync.WaitGroup
				for range 2 {
					hasty.Go(func() {
						for {
							m.Handler().ServeHTTP(httptest.NewRecorder(), scrapeRequest("0.01"))
							select {
							case <-stop:
								return
							case <-time.After(time.Millisecond):
							}
						}
					})
				}
				for n := range 20 {
					rec := httptest.NewRecorder()
					m.Handler().ServeHTTP(rec, scrapeRequest("10"))
					if text := rec.Body.String(); !has(text, "rows 7") || !has(text, `instrument_collector_success{collector="slow"} 1`) {
						t.Errorf("scrape %d that grants ten seconds got:\n%s", n, text)
						break
					}
				}
				close(stop)
				hasty.Wait()
				<-time.After(time.Second) // for the last run
			})
		})
	}
}

var errDown = errors.New("connection refused")

func TestOfTwoCollectorsThatSendTheSameTheFirstRegisteredWins(t *testing.T) {
	for range 20 {
		m, reg := newMetrics(t)
		for i, name := range []string{"first", "second"} {
			register(t, m, name, func(_ context.Context, ch chan<- prometheus.Metric) error {
				desc := prometheus.NewDesc("shared", "Shared.", nil, nil)
				ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(i+1))
				return nil
			})
		}
		wantLines(t, exposition(t, m), "shared 1", `instrument_collector_success{collector="first"} 1`,
			`instrument_collector_success{collector="second"} 0`, `instrument_collector_dropped_total{collector="second",reason="duplicate"} 1`)
		if _, err := reg.Gather(); err != nil {
			t.Error(err)
		}
	}
}

func TestACollectorThatDescribesItsMetricsWinsOverOneThatDoesNot(t *testing.T) {
	m, _ := newMetrics(t)
	desc := prometheus.NewDesc("shared", "Shared.", nil, nil)
	for i, descs := range [][]*prometheus.Desc{nil, {prometheus.NewDesc("unused", "Unused.", nil, nil)}, nil, {desc}} {
		if err := m.RegisterFunc(fmt.Sprint("c", i), func(_ context.Context, ch chan<- prometheus.Metric) error {
			if i != 1 {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(i))
			}
			return nil
		}, descs...); err != nil {
			t.Fatal(err)
		}
	}
	wantLines(t, exposition(t, m), "shared 3", `instrument_collector_success{collector="c3"} 1`, `instrument_collector_success{collector="c0"} 0`)
}

func TestAPedanticRegistryAcceptsWhatCollectorsSend(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	desc := prometheus.NewDesc("described", "Described.", []string{"a"}, nil)
	if err := m.RegisterFunc("described", func(_ context.Context, ch chan<- prometheus.Metric) error {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, "b")
		return nil
	}, desc); err != nil {
		t.Fatal(err)
	}
	register(t, m, "undescribed", func(_ context.Context, ch chan<- prometheus.Metric) error { ch <- gauge("undescribed"); return errDown })
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
	wantLines(t, exposition(t, m), `described{a="b"} 1`, "undescribed 1")
}

func TestACollectorIsTakenBackAndMayComeAgain(t *testing.T) {
	m, _ := newMetrics(t)
	desc := prometheus.NewDesc("described", "Described.", nil, nil)
	collect := func(_ context.Context, ch chan<- prometheus.Metric) error {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1)
		return nil
	}
	forget := m.Expect("coming")
	wantLines(t, exposition(t, m), `instrument_collector_success{collector="coming"} 0`)
	for range 3 {
		if err := m.RegisterFunc("coming", collect, desc); err != nil {
			t.Fatal(err)
		}
		if err := m.RegisterFunc("coming", collect); err == nil || !strings.Contains(err.Error(), `collector "coming": another collector has this name`) {
			t.Errorf("a name taken: %v", err)
		}
		wantLines(t, exposition(t, m), "described 1", `instrument_collector_success{collector="coming"} 1`)
		if !m.Unregister("coming") || m.Unregister("coming") {
			t.Error("Unregister does not say what it did")
		}
		if strings.Contains(exposition(t, m), "\ndescribed") {
			t.Error("still exposed")
		}
	}
	forget()
	forget()
	if strings.Contains(exposition(t, m), "coming") {
		t.Error("still expected")
	}
	if err := m.RegisterFunc(" ", collect); err == nil {
		t.Error("a collector without a name is no error")
	}
}
