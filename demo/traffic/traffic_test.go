package traffic_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/dogwalk"
	"github.com/truecount/truecount/demo/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A service is dogwalk without a network in between, so that a test's clock can run by itself.
type service struct {
	app      *dogwalk.App
	handler  http.Handler
	down     atomic.Bool
	requests atomic.Int64
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests.Add(1)
	answer := httptest.NewRecorder()
	if s.down.Load() {
		answer.WriteHeader(http.StatusBadGateway)
		return answer.Result(), nil
	}
	s.handler.ServeHTTP(answer, r)
	return answer.Result(), nil
}

func newService(t *testing.T) *service {
	t.Helper()
	app, err := dogwalk.New(t.Context(), dogwalk.Options{Database: database.SQLite(filepath.Join(t.TempDir(), "d.db"))})
	if err != nil {
		t.Fatal(err)
	}
	return &service{app: app, handler: app.Handler()}
}

// counted returns a counter, or the count and sum of a histogram.
func (s *service) counted(t *testing.T, name string) (value, sum float64) {
	t.Helper()
	answer := httptest.NewRecorder()
	s.app.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	metric := families[name].Metric[0]
	if h := metric.GetHistogram(); h != nil {
		return float64(h.GetSampleCount()), h.GetSampleSum()
	}
	return metric.GetCounter().GetValue(), 0
}

func (s *service) closeKennel() {
	s.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/alerts/close", nil))
}

// during runs traffic on a clock of its own, calls then, and waits for the end of the traffic.
func during(t *testing.T, s *service, opts traffic.Options, then func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	opts.URL, opts.Transport, opts.Rand = "http://dogwalk.test", s, rand.New(rand.NewPCG(1, 2))
	ended := make(chan error)
	go func() { ended <- traffic.Run(ctx, opts) }()
	then()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.app.Close()
	synctest.Wait()
}

// pass lets time pass: nothing else happens at the instants where it ends.
func pass(d time.Duration) { <-time.After(d) }

func TestTrafficStartsWalksAtItsRateAndCompletesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		during(t, s, traffic.Options{Rate: 2}, func() {
			pass(10 * time.Minute)
			started, _ := s.counted(t, "walks_started_total")
			completed, _ := s.counted(t, "walks_completed_total")
			invalid, _ := s.counted(t, "invalid_walks_total")
			count, metres := s.counted(t, "walk_distance")
			if started < 1000 || started > 1400 {
				t.Errorf("%v walks started in 600 s at 2 a second, want about 1200", started)
			}
			if out := started - completed; out < 2*5 || out > 2*30 {
				t.Errorf("%v walks are under way, want between 10 and 60", out)
			}
			if invalid < 8 || invalid > 60 {
				t.Errorf("%v invalid walks, want about one in 50", invalid)
			}
			if average := metres / count; average < 700 || average > 1400 {
				t.Errorf("average distance %v, want about a kilometre", average)
			}
		})
	})
}

func TestNoTrafficMeansNoRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		during(t, s, traffic.Options{Rate: 0}, func() { pass(time.Hour) })
		if n := s.requests.Load(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestTrafficSurvivesAServiceThatIsAwayAndSaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		var said bytes.Buffer
		during(t, s, traffic.Options{Rate: 5, Logger: slog.New(slog.NewTextHandler(&said, nil))}, func() {
			pass(time.Minute)
			started, _ := s.counted(t, "walks_started_total")
			s.down.Store(true)
			before := s.requests.Load()
			pass(time.Minute)
			if n := s.requests.Load() - before; n < 30 || n > 65 {
				t.Errorf("%d requests in a minute to a service that is away, want about one a second", n)
			}
			s.down.Store(false)
			pass(time.Minute)
			if after, _ := s.counted(t, "walks_started_total"); after < started+100 {
				t.Errorf("%v walks started before and %v after", started, after)
			}
			s.closeKennel()
			pass(time.Minute)
			all, _ := s.counted(t, "walks_started_total")
			if completed, _ := s.counted(t, "walks_completed_total"); completed != all {
				t.Errorf("%v of %v walks are complete: some have been forgotten", completed, all)
			}
		})
		if strings.Count(said.String(), "502 Bad Gateway") != 1 || strings.Count(said.String(), "409 Conflict") != 1 || strings.Count(said.String(), "go well again") != 1 {
			t.Errorf("it said:\n%s", said.String())
		}
	})
}

func TestTrafficRespectsAClosedKennel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		during(t, s, traffic.Options{Rate: 5}, func() {
			pass(time.Minute)
			s.closeKennel()
			before, _ := s.counted(t, "walks_started_total")
			pass(10 * time.Minute)
			if after, _ := s.counted(t, "walks_started_total"); after != before {
				t.Errorf("%v walks started at a closed kennel", after-before)
			}
			pass(10 * time.Minute)
			if after, _ := s.counted(t, "walks_started_total"); after == before {
				t.Error("no walk started when it was open again")
			}
		})
	})
}

func TestImpossibleOptionsAreRefused(t *testing.T) {
	for name, opts := range map[string]traffic.Options{
		"no address":     {Rate: 1},
		"no scheme":      {URL: "localhost:8001", Rate: 1},
		"backwards":      {URL: "http://localhost:8001", Rate: -1},
		"far too often":  {URL: "http://localhost:8001", Rate: 101},
		"not any number": {URL: "http://localhost:8001", Rate: nan()},
	} {
		t.Run(name, func(t *testing.T) {
			if err := traffic.Run(t.Context(), opts); err == nil || !strings.HasPrefix(err.Error(), "traffic: ") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}
