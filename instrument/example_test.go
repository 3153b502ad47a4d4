package instrument_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// printMetrics prints the samples with one of the prefixes, as a scrape sees them.
func printMetrics(h http.Handler, prefixes ...string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				fmt.Print(line)
			}
		}
	}
}

func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	clicks := m.Counter(prometheus.CounterOpts{
		Name: "demo_app_button_clicks_total",
		Help: "Clicks on the button.",
	})
	if err := m.Err(); err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /click-button", func(w http.ResponseWriter, r *http.Request) {
		clicks.Inc()
		_, _ = io.WriteString(w, "{}")
	})
	service := m.Middleware(mux)

	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/click-button", nil))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/click-button", nil))
	printMetrics(m.Handler(), "demo_app", "http_requests_total")
	// Output:
	// demo_app_button_clicks_total 1
	// http_requests_total{method="GET",route="unmatched",status="405"} 1
	// http_requests_total{method="POST",route="/click-button",status="200"} 1
}

// The series of a counter with labels should exist before the first event: Prometheus sees only increases.
func ExampleMetrics_CounterVec() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	walks := m.CounterVec(prometheus.CounterOpts{Name: "walks_started_total", Help: "Walks started, by the dog's size."},
		[]string{"size"}, []string{"sm"}, []string{"md"})
	walks.WithLabelValues("md").Inc()
	printMetrics(m.Handler(), "walks_started")
	// Output:
	// walks_started_total{size="md"} 1
	// walks_started_total{size="sm"} 0
}

// A name that is taken is an error, and what was declared can be used nevertheless.
func ExampleMetrics_Err() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	m.Counter(prometheus.CounterOpts{Name: "orders_total", Help: "Orders."})
	m.Gauge(prometheus.GaugeOpts{Name: "orders_total", Help: "Open orders."}).Set(3)
	fmt.Println(m.Err())
	// Output:
	// metric "orders_total" is already registered with other labels or another help: use another name or namespace
}

// With a router other than net/http's, Options.Route names the route.
func ExampleOptions_route() {
	m, err := instrument.New(instrument.Options{
		Registry: prometheus.NewRegistry(),
		Route: func(r *http.Request) string {
			if strings.HasPrefix(r.URL.Path, "/static/") {
				return "/static/"
			}
			return instrument.Pattern(r)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	service := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/static/app.js", nil))
	printMetrics(m.Handler(), "http_requests_total")
	// Output:
	// http_requests_total{method="GET",route="/static/",status="200"} 1
}
