package instrument_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// One measures the handlers, the other one everything: what a middleware answers by itself is counted by Outermost alone.
func ExampleMetrics_Outermost() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/walks", func(http.ResponseWriter, *http.Request) {})
	authenticate := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				http.Error(w, "who is it?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	service := m.Outermost(authenticate(m.Middleware(mux)))

	known := httptest.NewRequest("GET", "/walks", nil)
	known.Header.Set("Authorization", "Bearer x")
	service.ServeHTTP(httptest.NewRecorder(), known)
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/walks", nil))
	printMetrics(m.Handler(), "http_requests_", "http_responses_")
	// Output:
	// http_requests_in_flight 0
	// http_requests_received_total 2
	// http_requests_total{method="GET",route="/walks",status="200"} 1
	// http_requests_unknown_latency_with_middlewares_total 0
	// http_responses_sent_total 2
}

// A router that keeps its routes to itself tells them by one call; package contrib/routers has chi, gin and echo.
func ExampleSetRoute() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	router := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, found := strings.CutPrefix(r.URL.Path, "/walks/"); found {
			instrument.SetRoute(w, "/walks/:id")
			fmt.Fprintln(w, "walk", id)
		}
	})
	m.Middleware(router).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/walks/7", nil))
	printMetrics(m.Handler(), "http_requests_total")
	// Output:
	// http_requests_total{method="GET",route="/walks/:id",status="200"} 1
}

// A handler says which template it renders, once per response.
func ExampleSetTemplate() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Extended: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	service := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetTemplate(w, "walk.html")
		fmt.Fprintln(w, "<p>a walk</p>")
	}))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	printMetrics(m.Handler(), "http_responses_by_template")
	// Output:
	// http_responses_by_template_total{template="walk.html"} 1
}

// With django-prometheus' names, dashboards and alerts that are written for it work unchanged.
func ExampleNames() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Names: instrument.DjangoNames})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /walks/{id}", func(http.ResponseWriter, *http.Request) {})
	service := m.Outermost(m.Middleware(mux))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/walks/7", nil))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/nowhere", nil))
	printMetrics(m.Handler(), "django_http_responses_total_by_status_view", "django_http_requests_total_by")
	// Output:
	// django_http_requests_total_by_method_total{method="GET"} 2
	// django_http_requests_total_by_transport_total{transport="http"} 2
	// django_http_requests_total_by_transport_total{transport="https"} 0
	// django_http_requests_total_by_view_transport_method_total{method="GET",transport="http",view="/walks/{id}"} 1
	// django_http_responses_total_by_status_view_method_total{method="GET",status="200",view="/walks/{id}"} 1
	// django_http_responses_total_by_status_view_method_total{method="GET",status="404",view="<unnamed view>"} 1
}

// The trace of a sampled request becomes an exemplar of its series, which Grafana links to.
func ExampleTraceparent() {
	m, err := instrument.New(instrument.Options{
		Registry: prometheus.NewRegistry(),
		Trace:    instrument.Traceparent,
		Served:   func(_ *http.Request, s instrument.Served) { fmt.Println("trace", s.TraceID, "answered", s.Status) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	service := m.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	service.ServeHTTP(httptest.NewRecorder(), request)
	// Output:
	// trace 4bf92f3577b34da6a3ce929d0e0e4736 answered 200
}
