package latency_test

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/demo/latency"
)

// pair are two workers of one service.
func pair(t *testing.T) (one, other *latency.App, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "broken.json")
	opts := latency.Options{Shape: constant, BreakFile: file, Slowdown: 7, ErrorPercent: 100}
	return newApp(t, opts), newApp(t, opts), file
}

func TestTheSwitchBreaksEveryWorkerUntilItIsSwitchedBack(t *testing.T) {
	for name, c := range map[string]struct {
		target string
		status int
		took   time.Duration
	}{
		"both":    {"/break", 500, 700 * time.Millisecond},
		"slow":    {"/break?slow=on", 200, 700 * time.Millisecond},
		"failing": {"/break?failing=on", 500, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, other, file := pair(t)
				want := func(app *latency.App, status int, took time.Duration) {
					t.Helper()
					if gotStatus, gotTook := ask(t, app); gotStatus != status || gotTook != took {
						t.Errorf("status %d after %v, want %d after %v", gotStatus, gotTook, status, took)
					}
				}
				want(one, 200, 100*time.Millisecond)
				want(other, 200, 100*time.Millisecond)
				do(one, "POST", c.target)
				want(other, c.status, c.took)
				want(one, c.status, c.took)
				want(newApp(t, latency.Options{Shape: constant, BreakFile: file, Slowdown: 7, ErrorPercent: 100}), c.status, c.took) // after a restart
				if answer := do(one, "GET", "/health/"); answer.Code != 200 {
					t.Errorf("health is %d: the worker would be restarted, which repairs nothing", answer.Code)
				}
				do(other, "POST", "/repair")
				want(one, 200, 100*time.Millisecond)
				want(other, 200, 100*time.Millisecond)
			})
		})
	}
}

func TestAShareOfTheAnswersAreErrorsWhichTheMetricsCount(t *testing.T) {
	const asked = 1000
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, latency.Options{Shape: constant, ErrorPercent: 30})
		do(app, "POST", "/break?failing=on")
		failed := 0
		for range asked {
			if status, _ := ask(t, app); status == 500 {
				failed++
			}
		}
		if failed < 200 || failed > 400 { // seven standard deviations
			t.Errorf("%d of %d answers are errors, want about 300", failed, asked)
		}
		counted := 0
		for _, m := range families(t, app)["http_requests_total"].GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["route"] == "/{$}" && labels["status"] == "500" {
				counted += int(m.GetCounter().GetValue())
			}
		}
		if counted != failed {
			t.Errorf("%d errors are counted, want %d", counted, failed)
		}
	})
}

func TestASwitchThatCannotBeReadBreaksNothingAndIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(file, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	app := newApp(t, latency.Options{Shape: constant, BreakFile: file, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if answer := do(app, "GET", "/broken"); strings.Contains(answer.Body.String(), "true") || !strings.Contains(log.String(), "remove it, or post to /repair") {
		t.Errorf("answered %s, said %s", answer.Body, log.String())
	}
	do(app, "POST", "/repair")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("after the repair: %v", err)
	}
}

func TestASwitchThatCannotBeMovedIsAnErrorWithTheReasonInTheLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no", "such", "broken.json")
	var log bytes.Buffer
	app := newApp(t, latency.Options{Shape: constant, BreakFile: file, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	answer := do(app, "POST", "/break")
	if answer.Code != 500 || strings.Contains(answer.Body.String(), file) || !strings.Contains(log.String(), filepath.Dir(file)) {
		t.Errorf("status %d %s, said %s", answer.Code, answer.Body, log.String())
	}
	if answer := do(app, "POST", "/repair"); answer.Code != 200 { // it is as it should be
		t.Errorf("repair: status %d", answer.Code)
	}
}

func TestASwitchMovedByManyAtOnceIsAlwaysReadWhole(t *testing.T) {
	var log bytes.Buffer
	file := filepath.Join(t.TempDir(), "broken.json")
	opts := latency.Options{Shape: constant, BreakFile: file}
	moving := newApp(t, opts)
	opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	reading := newApp(t, opts)
	var movers, readers sync.WaitGroup
	stop := make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				do(reading, "GET", "/broken")
			}
		}
	})
	for i := range 4 {
		movers.Go(func() {
			for range 50 {
				if answer := do(moving, "POST", []string{"/break", "/repair"}[i%2]); answer.Code != 200 {
					t.Errorf("status %d: %s", answer.Code, answer.Body)
				}
			}
		})
	}
	movers.Wait()
	close(stop)
	readers.Wait()
	if log.Len() > 0 {
		t.Errorf("the reader said %s", log.String())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.json.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAPersonIsSentBackToThePage(t *testing.T) {
	app := newApp(t, latency.Options{Shape: constant})
	for _, path := range []string{"/break", "/repair"} {
		request := httptest.NewRequest("POST", path, nil)
		request.Header.Set("Accept", "text/html,*/*")
		answer := httptest.NewRecorder()
		app.Handler().ServeHTTP(answer, request)
		if answer.Code != 303 || answer.Header().Get("Location") != "/" {
			t.Errorf("%s: status %d to %q", path, answer.Code, answer.Header().Get("Location"))
		}
	}
}
