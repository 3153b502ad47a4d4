package dynamic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/dynamic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t testing.TB) (*instrument.Metrics, *prometheus.Registry) {
	t.Helper()
	m, reg, _ := newLoggedMetrics(t)
	return m, reg
}

func newLoggedMetrics(t testing.TB) (*instrument.Metrics, *prometheus.Registry, *bytes.Buffer) {
	t.Helper()
	reg, logged := prometheus.NewRegistry(), &bytes.Buffer{}
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Logger: slog.New(slog.NewTextHandler(logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return m, reg, logged
}

// run starts Run; stop ends it and returns what it returned.
func run(t testing.TB, m *instrument.Metrics, opts dynamic.Options) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- dynamic.Run(ctx, m, opts) }()
	return func() error { cancel(); return <-ended }
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func samples(list ...dynamic.Sample) func(context.Context, func(dynamic.Sample)) error {
	return func(_ context.Context, yield func(dynamic.Sample)) error {
		for _, s := range list {
			yield(s)
		}
		return nil
	}
}

func TestNothingIsAskedOrExposedBeforeTheSourceIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMetrics(t)
		var logged bytes.Buffer
		var asked []time.Duration
		start, collected, exposed := time.Now(), 0, 0
		stop := run(t, m, dynamic.Options{
			Name: "components",
			Ready: func(ctx context.Context) error {
				asked = append(asked, time.Since(start))
				switch len(asked) {
				case 1, 2:
					return errors.New("relation components does not exist")
				case 3:
					panic("no driver")
				case 4:
					<-ctx.Done() // a database that hangs
					return ctx.Err()
				}
				return nil
			},
			OnReady: func() { exposed++ },
			Collect: func(_ context.Context, yield func(dynamic.Sample)) error {
				collected++
				yield(dynamic.Sample{Name: "shop", Value: 1})
				return nil
			},
			Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		})
		synctest.Wait()
		for range 10 { // scrapes while it waits
			text := metrics(m)
			if collected > 0 || strings.Contains(text, "shop") {
				t.Fatal("asked or exposed before it was ready")
			}
			wantLines(t, text, `instrument_collector_success{collector="components"} 0`)
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		wantLines(t, metrics(m), "shop 1", `instrument_collector_success{collector="components"} 1`)
		want := []time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1750 * time.Millisecond, 8750 * time.Millisecond}
		if fmt.Sprint(asked) != fmt.Sprint(want) || exposed != 1 {
			t.Errorf("asked after %v, want %v; ready %d times", asked, want, exposed)
		}
		if n := strings.Count(logged.String(), "\n"); n != 2 || !strings.Contains(logged.String(), "relation components does not exist") {
			t.Errorf("logged %d lines, want one that it waits and one that it is ready:\n%s", n, logged.String())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if text := metrics(m); strings.Contains(text, "shop") || strings.Contains(text, "components") {
			t.Errorf("exposed after the end:\n%s", text)
		}
		if _, err := reg.Gather(); err != nil || collected != 1 {
			t.Errorf("%v; asked %d times in one scrape", err, collected)
		}
	})
}

func TestTheEndIsNotWaitedForWhileTheSourceIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMetrics(t)
		stop := run(t, m, dynamic.Options{
			Name: "components", Collect: samples(),
			Ready: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			Retry: time.Hour,
		})
		synctest.Wait()
		start := time.Now()
		if err := stop(); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestWhatChangesInTheSourceChangesInTheNextScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMetrics(t)
		rows := []string{"web-shop"}
		stop := run(t, m, dynamic.Options{Name: "components", Collect: func(_ context.Context, yield func(dynamic.Sample)) error {
			for _, name := range rows {
				yield(dynamic.Sample{Name: name + "_in_window", Value: 1})
			}
			return nil
		}})
		synctest.Wait()
		wantLines(t, metrics(m), "web_shop_in_window 1")
		rows = []string{"billing"}
		text := metrics(m)
		wantLines(t, text, "billing_in_window 1")
		if strings.Contains(text, "web_shop") {
			t.Error("what is gone is exposed")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOptionsThatMakeNoSenseAreErrors(t *testing.T) {
	m, _ := newMetrics(t)
	if err := m.RegisterFunc("taken", func(context.Context, chan<- prometheus.Metric) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for want, opts := range map[string]dynamic.Options{
		"no name given":     {Collect: samples()},
		"no source given":   {Name: "a"},
		"not be negative":   {Name: "a", Collect: samples(), MaxSeries: -1},
		`collector "taken"`: {Name: "taken", Collect: samples()},
	} {
		if err := dynamic.Run(context.Background(), m, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := dynamic.Run(context.Background(), nil, dynamic.Options{Name: "a", Collect: samples()}); err == nil || !strings.Contains(err.Error(), "no metrics given") {
		t.Errorf("without metrics: %v", err)
	}
}
