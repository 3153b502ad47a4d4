package instrument

import (
	"net/http"
	"time"
)

// Middleware measures the requests that next serves:
//
//	http_requests_total{route,method,status}      counted when the handler has returned
//	http_request_duration_seconds{route,method}   histogram
//	http_response_size_bytes{route,method}        histogram; bodies as written by the handler, 0 for HEAD
//	http_requests_in_flight                       gauge
//
// Wrap the mux itself, once and outermost: a request that passes two of them is counted twice.
// The route is the pattern that the mux matched ([Pattern]), or what Options.Route says; see [Routed] if a handler in
// between clones the request. Without a pattern it is "unmatched", an unknown method is "other", as is a status
// outside of 100 to 599.
//
// A handler that panics is counted with status 500, also if it had begun to answer; the panic goes on. A connection
// that is taken over without an answer (WebSockets) is counted with status 101.
//
// [http.Flusher], [http.Hijacker], [io.ReaderFrom] (sendfile), [http.Pusher] and [http.ResponseController] work as they do without the
// middleware; writers with other sets of these than net/http's own keep all of them through [http.ResponseController].
func (m *Metrics) Middleware(next http.Handler) http.Handler {
	return &middleware{metrics: m.http, next: next}
}

type middleware struct {
	metrics *httpMetrics
	next    http.Handler
}

func (h *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec, wrapped := record(w)
	rec.request = r
	method := h.metrics.method(r.Method)
	h.metrics.inFlight.Add(1)
	start := time.Now()
	panicked := true
	// No recover: the panic must reach net/http with its own stack.
	defer func() {
		h.metrics.observe(rec, method, time.Since(start), panicked)
	}()
	h.next.ServeHTTP(wrapped, r)
	panicked = false
}

func (h *httpMetrics) observe(rec *recorder, method string, took time.Duration, panicked bool) {
	h.inFlight.Add(-1)
	route := h.route(rec.request)
	if route == "" {
		route = routeUnmatched
	}
	r := rec.request
	rec.request = nil // its batch may be kept for a while
	rec.begin()       // a handler that wrote nothing has answered 200
	status := rec.status
	if panicked {
		status = http.StatusInternalServerError
	}
	size := float64(rec.size)
	if method == http.MethodHead {
		size = 0
	}
	s := h.lookup(seriesKey{bounded(route), method, foldStatus(status)})
	s.requests.Inc()
	s.latency.Observe(took.Seconds())
	s.size.Observe(size)
	if h.served != nil {
		h.served(r, Served{
			Route: bounded(route), Method: method, Status: foldStatus(status), Size: rec.size, Duration: took, Panicked: panicked,
		})
	}
}
