package routers_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// chi sets the pattern, but on a copy of the request: instrument.Routed, as the router's first middleware, carries it out.
func Example_chi() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	router := chi.NewRouter()
	router.Use(instrument.Routed)
	router.Route("/walks", func(walks chi.Router) {
		walks.Get("/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, chi.URLParam(r, "id")) })
	})
	router.Get("/broken", func(http.ResponseWriter, *http.Request) { panic("broken") })

	visit(m, m.Middleware(router))
	// Output:
	// http_panics_total{route="/broken",type="string"} 1
	// http_requests_total{method="GET",route="/broken",status="500"} 1
	// http_requests_total{method="GET",route="/walks/{id}",status="200"} 2
	// http_requests_total{method="GET",route="unmatched",status="404"} 1
	// http_requests_total{method="POST",route="/walks/*",status="405"} 1
}

// Before chi 5.2.2, which set no pattern, the route is in chi's own context once the request was served.
func Example_chiContext() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Deferred, so that a request that panics has its route, too.
			defer func() { instrument.SetRoute(w, chi.RouteContext(r.Context()).RoutePattern()) }()
			next.ServeHTTP(w, r)
		})
	})
	router.Get("/walks/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, chi.URLParam(r, "id")) })
	router.Get("/broken", func(http.ResponseWriter, *http.Request) { panic("broken") })

	visit(m, m.Middleware(router))
	// Output:
	// http_panics_total{route="/broken",type="string"} 1
	// http_requests_total{method="GET",route="/broken",status="500"} 1
	// http_requests_total{method="GET",route="/walks/{id}",status="200"} 2
	// http_requests_total{method="GET",route="unmatched",status="404"} 1
	// http_requests_total{method="POST",route="unmatched",status="405"} 1
}
