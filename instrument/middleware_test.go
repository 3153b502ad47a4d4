package instrument_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t testing.TB, change ...func(*instrument.Options)) (*instrument.Metrics, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	opts := instrument.Options{Registry: reg, WithoutRuntime: true}
	for _, c := range change {
		c(&opts)
	}
	m, err := instrument.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

func serve(h http.Handler, method, target string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, target, nil))
	return rec
}

// expectRequests compares the whole of http_requests_total; each line is `{labels} value`.
func expectRequests(t *testing.T, reg prometheus.Gatherer, lines ...string) {
	t.Helper()
	text := "# HELP http_requests_total HTTP requests answered, by route, method and status.\n# TYPE http_requests_total counter\n"
	for _, l := range lines {
		text += "http_requests_total" + l + "\n"
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(text), "http_requests_total"); err != nil {
		t.Error(err)
	}
}

func page(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestRequestsAreCountedByRouteMethodAndStatus(t *testing.T) {
	m, reg := newMetrics(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /walks/{id}", page)
	mux.HandleFunc("POST example.com/walks", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })
	mux.HandleFunc("/any", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/tree/", page)
	h := m.Middleware(mux)
	for _, r := range [][2]string{
		{"GET", "/walks/1"}, {"GET", "/walks/2"}, {"HEAD", "/walks/3"}, {"POST", "http://example.com/walks"}, {"DELETE", "/any"},
		{"GET", "/nowhere"}, {"DELETE", "/walks/1"}, {"GET", "/tree"}, {"BREW", "/any"}, {"get", "/any"},
	} {
		serve(h, r[0], r[1])
	}
	expectRequests(t, reg,
		`{method="GET",route="/walks/{id}",status="200"} 2`,
		`{method="HEAD",route="/walks/{id}",status="200"} 1`,
		`{method="POST",route="example.com/walks",status="201"} 1`,
		`{method="DELETE",route="/any",status="200"} 1`,
		`{method="GET",route="unmatched",status="404"} 1`,
		`{method="DELETE",route="unmatched",status="405"} 1`,
		`{method="GET",route="/tree/",status="307"} 1`,
		`{method="other",route="/any",status="200"} 2`,
	)
}

func TestLatencySizeAndInFlightAreMeasured(t *testing.T) {
	m, reg := newMetrics(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		if got, err := testutil.GatherAndCount(reg, "http_requests_in_flight"); err != nil || got != 1 {
			t.Errorf("in flight: %d, %v", got, err)
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(`# HELP http_requests_in_flight HTTP requests being answered now.
# TYPE http_requests_in_flight gauge
http_requests_in_flight 1
`), "http_requests_in_flight"); err != nil {
			t.Error(err)
		}
		_, _ = w.Write(make([]byte, 600))
		_, _ = io.WriteString(w, strings.Repeat("x", 600))
	})
	h := m.Middleware(mux)
	serve(h, "GET", "/page")
	serve(h, "HEAD", "/page")
	text := exposition(t, m)
	for _, want := range []string{
		`http_response_size_bytes_bucket{method="GET",route="/page",le="1000"} 0`,
		`http_response_size_bytes_bucket{method="GET",route="/page",le="10000"} 1`,
		`http_response_size_bytes_sum{method="GET",route="/page"} 1200`,
		`http_response_size_bytes_sum{method="HEAD",route="/page"} 0`,
		`http_request_duration_seconds_count{method="GET",route="/page"} 1`,
		`http_request_duration_seconds_bucket{method="GET",route="/page",le="0.01"} `,
		`http_request_duration_seconds_bucket{method="GET",route="/page",le="75"} 1`,
		"http_requests_in_flight 0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func exposition(t testing.TB, m *instrument.Metrics) string {
	t.Helper()
	rec := serve(m.Handler(), "GET", "/metrics")
	if rec.Code != http.StatusOK {
		t.Fatalf("/metrics answered %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func TestEveryNameIsAsPrometheusAdvises(t *testing.T) {
	m, reg := newMetrics(t, extended, func(o *instrument.Options) { o.WithoutRuntime = false; o.Namespace = "shop" })
	visit(m.Outermost(m.Middleware(zoo())))
	through(m.Middleware(http.HandlerFunc(brokenHandler)), "GET", "/")
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) != 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	if text := exposition(t, m); !strings.Contains(text, "shop_http_requests_total{") || !strings.Contains(text, "\ngo_goroutines ") {
		t.Errorf("names are missing in:\n%s", text)
	}
}

func TestAThousandConcurrentRequestsAreCountedExactly(t *testing.T) {
	m, reg := newMetrics(t, extended, func(o *instrument.Options) {
		o.Trace = func(*http.Request) (instrument.Trace, bool) {
			return instrument.Trace{TraceID: "x", Sampled: true}, true
		}
	})
	mux := http.NewServeMux()
	for n := range 10 {
		mux.HandleFunc(fmt.Sprintf("/page%d", n), page)
	}
	h := m.Outermost(m.Middleware(mux))
	var all sync.WaitGroup
	for n := range 1000 {
		all.Go(func() { serve(h, "GET", fmt.Sprintf("/page%d", n%10)) })
	}
	all.Wait()
	var want []string
	for n := range 10 {
		want = append(want, fmt.Sprintf(`{method="GET",route="/page%d",status="200"} 100`, n))
	}
	expectRequests(t, reg, want...)
	expectLines(t, m, "http_requests_received_total 1000", "http_responses_sent_total 1000", `http_responses_by_charset_total{charset="utf-8"} 1000`)
}

func TestAPanicGoesOnAndIsCountedAs500(t *testing.T) {
	m, reg := newMetrics(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/early", func(http.ResponseWriter, *http.Request) { panic("early") })
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) { page(w, nil); panic(http.ErrAbortHandler) })
	h := m.Middleware(mux)
	for path, want := range map[string]any{"/early": "early", "/late": http.ErrAbortHandler} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("%s: recovered %v, want %v", path, got, want)
				}
			}()
			serve(h, "GET", path)
		}()
	}
	expectRequests(t, reg, `{method="GET",route="/early",status="500"} 1`, `{method="GET",route="/late",status="200"} 1`)
	if !strings.Contains(exposition(t, m), "http_requests_in_flight 0") {
		t.Error("a request that panicked is still in flight")
	}
}

func TestTheRouteOfAClonedRequestIsKnownThroughRouted(t *testing.T) {
	m, reg := newMetrics(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/page", page)
	cloning := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			type key struct{}
			next.ServeHTTP(unwrapping{w}, r.WithContext(context.WithValue(r.Context(), key{}, 1)))
		})
	}
	serve(m.Middleware(cloning(mux)), "GET", "/page")
	serve(m.Middleware(cloning(instrument.Routed(mux))), "GET", "/page")
	serve(instrument.Routed(mux), "GET", "/page") // without the middleware: nothing to do
	expectRequests(t, reg, `{method="GET",route="unmatched",status="200"} 1`, `{method="GET",route="/page",status="200"} 1`)
}

type unwrapping struct{ http.ResponseWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }
