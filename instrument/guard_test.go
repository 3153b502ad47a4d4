package instrument_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

func gauge(name string, labels ...string) prometheus.Metric {
	names, values := []string{}, []string{}
	for pair := range slices.Chunk(labels, 2) {
		names, values = append(names, pair[0]), append(values, pair[1])
	}
	return prometheus.MustNewConstMetric(prometheus.NewDesc(name, "A gauge.", names, nil), prometheus.GaugeValue, 1, values...)
}

func panickingGauge(name string) prometheus.Metric {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: "A gauge."}, func() float64 { panic("no value") })
}

// scrape asks a real server as Prometheus does, and returns what it answered.
func scrape(t testing.TB, s *httptest.Server, timeout string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if timeout != "" {
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
	}
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestL3AGuardedCollectorThatFailsHidesNoOther(t *testing.T) {
	const before = `before{name="broken"} 1`
	var hang chan struct{}
	for _, tt := range []struct {
		name    string
		collect func(ctx context.Context, ch chan<- prometheus.Metric) error
		want    string // of the metrics about the collector, {collector="broken" is left out
		logged  string
	}{
		{"panics", func(context.Context, chan<- prometheus.Metric) error { panic("all wrong") },
			`failures_total,reason="panic"`, `cause="panic: all wrong (at guard_test.go:`},
		{"dereferences nil", func(context.Context, chan<- prometheus.Metric) error { return *(*error)(nil) },
			`failures_total,reason="panic"`, "(at guard_test.go:"},
		{"returns an error", func(context.Context, chan<- prometheus.Metric) error { return errBroken },
			`failures_total,reason="error"`, `cause="database is gone"`},
		{"sends an error", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(errBroken), errBroken)
			return nil
		}, `failures_total,reason="error"`, `cause="database is gone"`},
		{"a metric panics", func(_ context.Context, ch chan<- prometheus.Metric) error { ch <- panickingGauge("g"); return nil },
			`failures_total,reason="panic"`, `cause="panic: no value`},
		{"sends nil", func(_ context.Context, ch chan<- prometheus.Metric) error { ch <- nil; return nil },
			`failures_total,reason="panic"`, "nil pointer"},
		{"ends its goroutine", func(context.Context, chan<- prometheus.Metric) error { runtime.Goexit(); return nil },
			`failures_total,reason="error"`, "ended its goroutine"},
		{"hangs", func(context.Context, chan<- prometheus.Metric) error { <-hang; return nil },
			`failures_total,reason="timeout"`, "was not back after"},
		{"ends with the scrape", func(ctx context.Context, _ chan<- prometheus.Metric) error { <-ctx.Done(); return ctx.Err() },
			`failures_total,reason="timeout"`, ""},
		{"sends twice", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("g", "a", "b")
			ch <- gauge("g", "a", "b")
			return nil
		}, `dropped_total,reason="duplicate"`, `metric \"g\" was sent twice with the same labels {a=\"b\"}`},
		{"sends two types", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("g")
			ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("g", "A gauge.", nil, nil), prometheus.CounterValue, 1)
			return nil
		}, `dropped_total,reason="inconsistent"`, `metric \"g\" has another type`},
		{"sends two helps", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("g", "a", "b")
			ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("g", "Another.", []string{"a"}, nil), prometheus.GaugeValue, 1, "c")
			return nil
		}, `dropped_total,reason="inconsistent"`, `metric \"g\" has another help`},
		{"sends two sets of labels", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("g", "a", "b")
			ch <- gauge("g", "b", "a")
			return nil
		}, `dropped_total,reason="inconsistent"`, `metric \"g\" has another set of labels`},
		{"sends a declared metric", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("clicks_total", "a", "b")
			return nil
		},
			`dropped_total,reason="inconsistent"`, "declared already"},
		{"sends another's sample", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("walk_distance_count")
			return nil
		},
			`dropped_total,reason="inconsistent"`, "collides"},
		{"sends the metrics about it", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- gauge("instrument_collector_success", "collector", "broken")
			return nil
		}, `dropped_total,reason="inconsistent"`, "declared already"},
		{"sends a label twice", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- doubleLabel{gauge("g", "a", "b")}
			return nil
		},
			`dropped_total,reason="invalid"`, `label \"a\" is there twice`},
		{"sends no UTF-8", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- rawLabel{gauge("g", "a", "b"), "\xff"}
			return nil
		},
			`dropped_total,reason="invalid"`, "not UTF-8"},
		{"sends an invalid name", func(_ context.Context, ch chan<- prometheus.Metric) error {
			ch <- rawDesc{gauge("g"), prometheus.NewDesc("", "No name.", nil, nil)}
			return nil
		}, `dropped_total,reason="invalid"`, "not a valid metric name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hang = make(chan struct{})
				var logged logBuffer
				m, reg := newMetrics(t, func(o *instrument.Options) { o.Logger = logged.logger() })
				m.CounterVec(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."}, []string{"button"}, []string{"hit"})
				m.Histogram(prometheus.HistogramOpts{Name: "walk_distance", Help: "Metres."})
				var sound atomic.Bool
				register(t, m, "broken", func(ctx context.Context, ch chan<- prometheus.Metric) error {
					ch <- gauge("before", "name", "broken")
					if sound.Load() {
						return nil
					}
					return tt.collect(ctx, ch)
				})
				register(t, m, "sound", func(_ context.Context, ch chan<- prometheus.Metric) error { ch <- gauge("sound"); return nil })
				ask := func() (status int, text string) {
					rec := httptest.NewRecorder()
					m.Handler().ServeHTTP(rec, scrapeRequest("5"))
					return rec.Code, rec.Body.String()
				}
				var text string
				for range 3 {
					var status int
					if status, text = ask(); status != http.StatusOK {
						t.Fatalf("answered %d: %s", status, text)
					}
					wantLines(t, text, `clicks_total{button="hit"} 0`, "walk_distance_count 0", "sound 1",
						`instrument_collector_success{collector="broken"} 0`, `instrument_collector_success{collector="sound"} 1`)
				}
				metric, labels, _ := strings.Cut(tt.want, ",")
				wantLines(t, text, fmt.Sprintf(`instrument_collector_%s{collector="broken",%s} 3`, metric, labels))
				late := strings.HasSuffix(tt.want, `"timeout"`) // the run may still be the first scrape's
				if !late && !has(text, before) {
					t.Error("what was sent before the failure is missing")
				}
				if tt.name == "hangs" && has(text, before) {
					t.Error("what was sent to an earlier scrape is exposed")
				}
				if n := strings.Count(logged.String(), "\n"); n != 1 || !strings.Contains(logged.String(), tt.logged) {
					t.Errorf("logged %d lines, want one with %s:\n%s", n, tt.logged, logged.String())
				}
				if tt.name == "hangs" {
					close(hang)
					eventually(t, func() bool { _, text := ask(); return has(text, before) })
				}
				sound.Store(true)
				eventually(t, func() bool {
					_, text = ask()
					return has(text, before) && has(text, `instrument_collector_success{collector="broken"} 1`)
				})
				if n := strings.Count(logged.String(), "works again"); n != 1 {
					t.Errorf("%d lines say that it works again:\n%s", n, logged.String())
				}
				if _, err := reg.Gather(); err != nil {
					t.Errorf("another gatherer fails: %v", err)
				}
			})
		})
	}
}

func register(t testing.TB, m *instrument.Metrics, name string, collect instrument.CollectFunc) {
	t.Helper()
	if err := m.RegisterFunc(name, collect); err != nil {
		t.Fatal(err)
	}
}

// eventually asks again and again until a generous deadline.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	ticker, late := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatal("it does not come")
		}
	}
}
