package instrument_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument"
)

func TestARouterNamesItsRouteByOneFunction(t *testing.T) {
	m, reg := newMetrics(t, func(o *instrument.Options) { o.Route = func(*http.Request) string { return "by the option" } })
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/set":
			if !instrument.SetRoute(w, "/set/:id") {
				t.Error("the middleware was not found")
			}
		case "/through":
			instrument.SetRoute(unwrapping{unwrapping{w}}, "/through/:id")
		case "/empty":
			instrument.SetRoute(w, "")
		case "/long":
			instrument.SetRoute(w, strings.Repeat("é", 500))
		}
	}))
	for _, path := range []string{"/set", "/through", "/empty", "/long", "/none"} {
		serve(h, "GET", path)
	}
	expectRequests(t, reg,
		`{method="GET",route="/set/:id",status="200"} 1`,
		`{method="GET",route="/through/:id",status="200"} 1`,
		`{method="GET",route="by the option",status="200"} 2`,
		`{method="GET",route="`+strings.Repeat("é", 100)+`",status="200"} 1`,
	)
	if instrument.SetRoute(httptest.NewRecorder(), "/x") || instrument.SetTemplate(httptest.NewRecorder(), "x") {
		t.Error("a middleware was found where there is none")
	}
}

func TestTheRouteIsKnownWhenTheHandlerPanics(t *testing.T) {
	m, reg := newMetrics(t)
	through(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetRoute(w, "/broken")
		panic("broken")
	})), "GET", "/")
	expectRequests(t, reg, `{method="GET",route="/broken",status="500"} 1`)
}

func TestWhatIsToldIsWhatIsCounted(t *testing.T) {
	var told []instrument.Served
	m, _ := newMetrics(t, func(o *instrument.Options) {
		o.Names = instrument.DjangoNames
		o.MaxSeries = 2
		o.Served = func(_ *http.Request, s instrument.Served) { s.Duration = 0; told = append(told, s) }
	})
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetRoute(w, r.Header.Get("Route"))
		_, _ = w.Write([]byte("hello"))
	}))
	for _, route := range []string{"/page", "", "/third"} {
		ask(h, "GET", "/", "", func(r *http.Request) { r.Header.Set("Route", route) })
	}
	want := []instrument.Served{
		{Route: "/page", Method: "GET", Status: 200, Size: 5},
		{Route: "<unnamed view>", Method: "GET", Status: 200, Size: 5},
		{Route: "overflow", Method: "<invalid method>", Status: 200, Size: 5},
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %+v", told)
	}
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
