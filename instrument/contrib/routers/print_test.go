package routers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/truecount/truecount/instrument"
)

// visit asks a service for two walks, for a path without a route, by a method that the route doesn't have, and for a
// route whose handler panics; then it prints how they were counted.
func visit(m *instrument.Metrics, service http.Handler) {
	for _, target := range [][2]string{{"GET", "/walks/7"}, {"GET", "/walks/8"}, {"GET", "/nowhere/9"}, {"POST", "/walks/7"}, {"GET", "/broken"}} {
		func() {
			defer func() { _ = recover() }()
			service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(target[0], target[1], nil))
		}()
	}
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "http_requests_total") || strings.HasPrefix(line, "http_panics_total") {
			fmt.Print(line)
		}
	}
}
