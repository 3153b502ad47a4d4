package instrument_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
)

func TestL1LabelValuesStayFewWhateverClientsSend(t *testing.T) {
	m, reg := newMetrics(t, func(o *instrument.Options) { o.Methods = []string{"PROPFIND"} })
	mux := http.NewServeMux()
	mux.HandleFunc("/tree/{name}/", page)
	mux.HandleFunc("/code/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscan(r.PathValue("n"), &n); err == nil {
			w.WriteHeader(n)
		}
	})
	h := m.Middleware(mux)
	for n := range 20_000 {
		serve(h, fmt.Sprintf("M%d", n), fmt.Sprintf("/path%d", n))
		serve(h, "GET", fmt.Sprintf("/tree/%d/x", n))
		serve(h, "CONNECT", fmt.Sprintf("/tree/%d", n)) // the mux redirects it, and reports the raw path as its pattern
	}
	for n := 600; n < 999; n++ {
		serve(h, "GET", fmt.Sprintf("/code/%d", n))
	}
	serve(h, "PROPFIND", "/nowhere")
	expectRequests(t, reg,
		`{method="other",route="unmatched",status="404"} 20000`,
		`{method="GET",route="/tree/{name}/",status="200"} 20000`,
		`{method="CONNECT",route="unmatched",status="307"} 20000`,
		`{method="GET",route="/code/{n}",status="other"} 399`,
		`{method="PROPFIND",route="unmatched",status="404"} 1`,
	)
}

func TestL2RoutesBeyondTheLimitAreCountedInTheOverflow(t *testing.T) {
	var logged logBuffer
	m, reg := newMetrics(t, func(o *instrument.Options) {
		o.MaxSeries = 2
		o.Route = func(r *http.Request) string { return r.URL.Path }
		o.Logger = logged.logger()
	})
	h := m.Middleware(http.HandlerFunc(page))
	for n := range 100 {
		serve(h, "GET", fmt.Sprintf("/%d", n))
		serve(h, "GET", "/0")
	}
	expectRequests(t, reg,
		`{method="GET",route="/0",status="200"} 101`,
		`{method="GET",route="/1",status="200"} 1`,
		`{method="other",route="overflow",status="200"} 98`,
	)
	expectLines(t, m, `instrument_series_overflowed_total{metric="http_requests_total"} 98`)
	if n := strings.Count(logged.String(), "too many series"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, logged.String())
	}
}

func TestL2RequestsAtOnceDoNotExceedTheLimit(t *testing.T) {
	const limit, requests = 2, 50
	for range 200 { // in one of twenty rounds, requests find that there is place and lose it to each other
		m, reg := newMetrics(t, func(o *instrument.Options) {
			o.MaxSeries = limit
			o.Route = func(r *http.Request) string { return r.URL.Path }
		})
		var inside, all sync.WaitGroup
		inside.Add(requests)
		h := m.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Done(); inside.Wait() }))
		for n := range requests {
			all.Go(func() { serve(h, "GET", fmt.Sprintf("/%d", n)) })
		}
		all.Wait()
		if n, err := testutil.GatherAndCount(reg, "http_requests_total"); n != limit+1 || err != nil {
			t.Fatalf("%d series, %v, want %d and the overflow", n, err, limit)
		}
		expectLines(t, m, fmt.Sprintf(`instrument_series_overflowed_total{metric="http_requests_total"} %d`, requests-limit))
	}
}

func FuzzRoute(f *testing.F) {
	for _, seed := range []string{"", "/", "GET /x/{id}", "a b c", "\xff\xfe", strings.Repeat("é", 300), "new\nline\"", "\x00"} {
		f.Add(seed, "GET", 200)
	}
	f.Add("/x", "G\xffT", -1)
	m, _ := newMetrics(f, func(o *instrument.Options) {
		o.MaxSeries = 50
		o.Route = func(r *http.Request) string { return r.Pattern }
	})
	f.Fuzz(func(t *testing.T, route, method string, status int) {
		h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if status >= 100 && status <= 999 {
				w.WriteHeader(status)
			}
		}))
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.Pattern = method, route
		h.ServeHTTP(httptest.NewRecorder(), r)
		if pattern := instrument.Pattern(r); !strings.HasSuffix(route, pattern) || (method == "CONNECT" && pattern != "") {
			t.Errorf("pattern %q of %q", pattern, route)
		}
		rec := serve(m.Handler(), "GET", "/metrics")
		if rec.Code != http.StatusOK || strings.Contains(rec.Body.String(), `promhttp_metric_handler_errors_total{cause="gathering"} 1`) {
			t.Fatalf("metrics broken by route %q, method %q: %s", route, method, rec.Body)
		}
	})
}

// TestL1AHundredThousandRandomRequestsLeaveLabelsFewAndMemoryFlat sends what clients choose: methods, paths, hosts,
// agents, and everything else that a metric looks at.
func TestL1AHundredThousandRandomRequestsLeaveLabelsFewAndMemoryFlat(t *testing.T) {
	m, reg := newMetrics(t, extended, func(o *instrument.Options) { o.Trace = instrument.Traceparent })
	mux := http.NewServeMux()
	mux.HandleFunc("/walks/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		instrument.SetTemplate(w, r.PathValue("id"))
		page(w, r)
	})
	h := m.Outermost(m.Middleware(mux))
	send := func(from, to int) {
		for n := from; n < to; n++ {
			method, path := "GET", fmt.Sprintf("/%x/%d", n*7919, n)
			switch n % 4 {
			case 1:
				method = fmt.Sprintf("M%d", n)
			case 2:
				path = fmt.Sprintf("/walks/%d", n)
			}
			r := httptest.NewRequest(method, path, nil)
			r.Host = fmt.Sprintf("host-%d.example", n)
			r.Header.Set("User-Agent", fmt.Sprintf("agent/%d", n))
			r.Header.Set("X-Requested-With", fmt.Sprintf("x%d", n))
			r.Header.Set("Traceparent", fmt.Sprintf("00-%032x-%016x-01", n+1, n+1))
			r.Header.Set("Content-Type", fmt.Sprintf("text/html; charset=c%d", n))
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	send(0, 1000)
	series, before := len(exposition(t, m)), heap()
	send(1000, 100_000)
	if after := heap(); after > before+2<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	if grown := len(exposition(t, m)); grown > series+2000 { // more digits, and no lines
		t.Errorf("the exposition grew from %d to %d bytes", series, grown)
	}
	expectRequests(t, reg,
		`{method="GET",route="/walks/{id}",status="200"} 25000`,
		`{method="GET",route="unmatched",status="404"} 50000`,
		`{method="other",route="unmatched",status="404"} 25000`,
	)
}

// heap is what is in use after the garbage is gone, pools included.
func heap() uint64 {
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
