package instrument_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
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
		o.MaxSeries = 3
		o.Served = func(_ *http.Request, s instrument.Served) { s.Duration = 0; told = append(told, s) }
	})
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetRoute(w, r.Header.Get("Route"))
		_, _ = w.Write([]byte("hello"))
	}))
	for _, request := range [][2]string{{"GET", "/page"}, {"GET", ""}, {"HEAD", "/page"}, {"GET", "/fourth"}} {
		ask(h, request[0], "/", "", func(r *http.Request) { r.Header.Set("Route", request[1]) })
	}
	want := []instrument.Served{
		{Route: "/page", Method: "GET", Status: 200, Size: 5},
		{Route: "<unnamed view>", Method: "GET", Status: 200, Size: 5},
		{Route: "/page", Method: "HEAD", Status: 200, Size: 0}, // whatever the handler wrote, nothing is sent
		{Route: "overflow", Method: "<invalid method>", Status: 200, Size: 5},
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %+v", told)
	}
}

func TestTwoMetricsOfOneServiceKnowTheSameRouteAndTemplate(t *testing.T) {
	outer, reg := newMetrics(t, extended)
	inner, innerReg := newMetrics(t, extended)
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) { instrument.SetTemplate(w, "page.html") })
	cloned := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.Routed(mux).ServeHTTP(w, r.Clone(r.Context()))
	})
	told := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { instrument.SetRoute(w, "/told") })
	for _, h := range []http.Handler{cloned, told} {
		serve(outer.Outermost(outer.Middleware(inner.Middleware(h))), "GET", "/page")
	}
	for _, reg := range []*prometheus.Registry{reg, innerReg} {
		expectRequests(t, reg, `{method="GET",route="/page",status="200"} 1`, `{method="GET",route="/told",status="200"} 1`)
	}
	for _, m := range []*instrument.Metrics{outer, inner} {
		expectLines(t, m, `http_responses_by_template_total{template="page.html"} 1`)
	}
}
