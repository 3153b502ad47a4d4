package latency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/latency"
)

// asProgram makes the test program the latency program, for tests with real processes.
const asProgram = "LATENCY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := latency.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
			io.WriteString(os.Stderr, "latency: "+err.Error()+"\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// constant is a shape without chance, so that a test knows what it gets.
var constant = latency.Shape{Median: 100 * time.Millisecond, P99: 100 * time.Millisecond}

func newApp(t *testing.T, opts latency.Options) *latency.App {
	t.Helper()
	if opts.BreakFile == "" {
		opts.BreakFile = filepath.Join(t.TempDir(), "broken.json")
	}
	app, err := latency.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// do sends a request as a program does, and returns when it is answered, on the clock of the bubble.
func do(app *latency.App, method, target string) *httptest.ResponseRecorder {
	path, form, _ := strings.Cut(target, "?")
	request := httptest.NewRequest(method, path, strings.NewReader(form))
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	app.Handler().ServeHTTP(answer, request)
	return answer
}

// ask asks the service once; it took so long.
func ask(t *testing.T, app *latency.App) (status int, took time.Duration) {
	t.Helper()
	answer := do(app, "GET", "/")
	var said struct{ Milliseconds float64 }
	if err := json.Unmarshal(answer.Body.Bytes(), &said); err != nil {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	return answer.Code, time.Duration(said.Milliseconds * float64(time.Millisecond))
}

func families(t *testing.T, app *latency.App) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	answer := httptest.NewRecorder()
	app.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func uptime(t *testing.T, app *latency.App) float64 {
	t.Helper()
	return families(t, app)["service_uptime_seconds_total"].GetMetric()[0].GetCounter().GetValue()
}

func TestRoutes(t *testing.T) {
	for _, c := range []struct {
		method, target string
		status         int
		contentType    string
		body           string // a part of it
		allow          string
	}{
		{"GET", "/", 200, "application/json", `"milliseconds":100`, ""},
		{"POST", "/", 405, "", "", "GET, HEAD"},
		{"POST", "/break", 200, "application/json", `{"slow":true,"failing":true,"since":`, ""},
		{"POST", "/break?slow=on", 200, "application/json", `{"slow":true,"failing":false,`, ""},
		{"POST", "/break?failing=on", 200, "application/json", `{"slow":false,"failing":true,`, ""},
		{"POST", "/break?%zz", 400, "", "could not be read", ""},
		{"GET", "/break", 405, "", "", "POST"},
		{"POST", "/repair", 200, "application/json", `{"slow":false,"failing":false}`, ""},
		{"GET", "/repair", 405, "", "", "POST"},
		{"GET", "/broken", 200, "application/json", `{"slow":false,"failing":false}`, ""},
		{"GET", "/health/", 200, "text/plain; charset=utf-8", "ok", ""},
		{"GET", "/metrics", 200, "", "service_uptime_seconds_total 0", ""},
		{"GET", "/static/base.css", 200, "text/css; charset=utf-8", "--ground", ""},
		{"GET", "/static/latency.css", 200, "text/css; charset=utf-8", ".chart", ""},
		{"GET", "/static/latency.js", 200, "text/javascript; charset=utf-8", "fetch", ""},
		{"GET", "/static/icon.svg", 200, "image/svg+xml", "<svg", ""},
		{"GET", "/nothing", 404, "", "", ""},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := do(newApp(t, latency.Options{Shape: constant}), c.method, c.target)
				if answer.Code != c.status {
					t.Fatalf("status %d, want %d", answer.Code, c.status)
				}
				if got := answer.Header().Get("Content-Type"); c.contentType != "" && got != c.contentType {
					t.Errorf("content type %q, want %q", got, c.contentType)
				}
				if got := answer.Header().Get("Allow"); got != c.allow {
					t.Errorf("allow %q, want %q", got, c.allow)
				}
				if !strings.Contains(answer.Body.String(), c.body) {
					t.Errorf("body %q, want %q in it", answer.Body, c.body)
				}
			})
		})
	}
}

func TestApplicationAndMetricsAreOnTheSamePortAlsoWithEndpointsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := latency.Options{Shape: constant}
		opts.MetricsApart = true
		app := newApp(t, opts)
		for path, want := range map[string]string{"/": "milliseconds", "/metrics": "http_request_duration_seconds"} {
			ask(t, app)
			if answer := do(app, "GET", path); answer.Code != 200 || !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%s: status %d: %s", path, answer.Code, answer.Body)
			}
		}
	})
}

func TestResponseTimesHaveTheShapeThatIsGivenAndTheHistogramShowsIt(t *testing.T) {
	const asked = 4000
	shape := latency.Shape{Median: 50 * time.Millisecond, P99: 750 * time.Millisecond, Longest: time.Second}
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, latency.Options{Shape: shape})
		belowMedian, belowP99 := 0, 0
		for range asked {
			_, took := ask(t, app)
			if took <= shape.Median {
				belowMedian++
			}
			if took <= shape.P99 {
				belowP99++
			}
			if took > shape.Longest {
				t.Fatalf("an answer took %v, longer than %v", took, shape.Longest)
			}
		}
		// Six standard deviations: chance does not fail this test.
		if belowMedian < asked*45/100 || belowMedian > asked*55/100 || belowP99 < asked*98/100 || belowP99 == asked {
			t.Errorf("of %d answers %d were faster than the median and %d than the 99 %% quantile", asked, belowMedian, belowP99)
		}
		histogram := families(t, app)["http_request_duration_seconds"].GetMetric()[0].GetHistogram()
		got := map[float64]int{}
		for _, b := range histogram.GetBucket() {
			got[b.GetUpperBound()] = int(b.GetCumulativeCount())
		}
		if got[0.05] != belowMedian || got[0.75] != belowP99 || histogram.GetSampleCount() != asked {
			t.Errorf("the histogram has %v, want %d below 0.05 s and %d below 0.75 s", got, belowMedian, belowP99)
		}
	})
}

func TestUptimeAdvancesEverySecondByTheFirstWorkerAloneAndEndsWithItsOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newApp(t, latency.Options{FirstWorker: true})
		second := newApp(t, latency.Options{})
		if got := uptime(t, first); got != 0 {
			t.Errorf("before the first second: %v, want 0", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		for _, app := range []*latency.App{first, second} {
			go func() { app.CountUptime(ctx); ended <- struct{}{} }()
		}
		time.Sleep(90*time.Second + time.Millisecond) // the bubble's clock
		if one, two := uptime(t, first), uptime(t, second); one != 90 || two != 0 {
			t.Errorf("after 90 s the workers have %v and %v, want 90 in all", one, two)
		}
		cancel()
		<-ended
		<-ended
		time.Sleep(time.Minute)
		if got := uptime(t, first); got != 90 {
			t.Errorf("a minute after its end: %v, want 90", got)
		}
	})
}

func TestAClientThatLeavesIsCountedAsSuchAndEndsItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, latency.Options{Shape: latency.Shape{Median: time.Second, P99: time.Second}})
		ctx, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		began := time.Now()
		app.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		if took := time.Since(began); took != 10*time.Millisecond {
			t.Errorf("the handler returned after %v", took)
		}
		var text bytes.Buffer
		if _, err := expfmt.MetricFamilyToText(&text, families(t, app)["http_requests_total"]); err != nil || !strings.Contains(text.String(), `status="499"`) {
			t.Errorf("counted %s, %v", text.String(), err)
		}
	})
}

func TestMetricsAreLintClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, latency.Options{Shape: constant})
		ask(t, app)
		problems, err := promlint.New(do(app, "GET", "/metrics").Body).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("problems %v, %v", problems, err)
		}
	})
}

func TestBreakingFromAnotherSiteIsRefused(t *testing.T) {
	app := newApp(t, latency.Options{Shape: constant})
	request := httptest.NewRequest("POST", "/break", nil)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	answer := httptest.NewRecorder()
	app.Handler().ServeHTTP(answer, request)
	if body := do(app, "GET", "/broken").Body.String(); answer.Code != http.StatusForbidden || strings.Contains(body, "true") {
		t.Errorf("status %d, and it is %s", answer.Code, body)
	}
}
