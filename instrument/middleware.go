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
//	http_panics_total{route,type}                 type is that of the value, as Go prints it: "runtime.boundsError"
//
// Options.Extended adds the rest of what django-prometheus measures, [DjangoNames] gives all of it under its names:
// docs/reference/http-metrics.md has the list.
//
// Wrap the mux itself, once: a request that passes two of them is counted twice. What measures the other middlewares,
// too, is [Metrics.Outermost]. The route is the pattern that the mux matched ([Pattern]), or what Options.Route says, or
// what the handler said by [SetRoute]; see [Routed] if a handler in between clones the request. Without a route it is
// "unmatched", an unknown method is "other", as is a status outside of 100 to 599.
//
// A handler that panics is counted with status 500, also if it had begun to answer; the panic goes on, with the stack of
// its origin. [http.ErrAbortHandler] is how handlers cut a connection on purpose: it is no panic in the metrics, and its
// status is the one that had been sent, or 500 if none had.
//
// A connection that is taken over (WebSockets) is counted with status 101, if it was not answered before; neither its
// latency nor its size are known, so that none is observed.
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
	m := h.metrics
	rec, wrapped := record(w)
	method := m.method(r.Method)
	m.inFlight.Add(1)
	if m.extended != nil {
		rec.details, rec.extended = fresh[details](&detailed), true
		m.extended.received(r, method, m.secure(r))
	}
	start := m.now()
	returned := false
	defer func() {
		if returned {
			m.observe(rec, r, method, start, nil)
			return
		}
		// A panic that is raised again before this function returns still has the stack of its origin beneath it.
		value := recover()
		m.observe(rec, r, method, start, &failure{value})
		if value != nil {
			panic(value)
		}
	}()
	h.next.ServeHTTP(wrapped, r)
	returned = true
}

// now is the time since the metrics were made. It costs half of what [time.Now] does, which reads two clocks.
func (h *httpMetrics) now() time.Duration { return time.Since(h.epoch) }

// observe counts a request that has been served. failed is nil if its handler returned.
func (h *httpMetrics) observe(rec *recorder, r *http.Request, method string, start time.Duration, failed *failure) {
	end := h.now()
	h.inFlight.Add(-1)
	if d := rec.details; d != nil && d.request != nil {
		r = d.request
		d.request = nil // its batch may be kept for a while
	}
	route := h.routeOf(rec.details, r)
	if rec.status == 0 && !rec.hijacked && failed == nil {
		rec.begin(http.StatusOK) // a handler that wrote nothing has answered 200
	}
	s := h.lookup(seriesKey{route, method, foldStatus(failed.status(int(rec.status)))})

	took := end - start
	var trace traced
	switch timed := !rec.hijacked; {
	case h.trace != nil:
		h.countTraced(s, r, &trace, seconds(took), end, timed)
	case timed:
		s.requests.Inc()
		s.latency.Observe(seconds(took))
	default:
		s.requests.Inc()
	}
	size := rec.size
	if method == http.MethodHead {
		size = 0
	}
	if !rec.hijacked && !(rec.streamed && h.extended.django()) {
		s.size.Observe(float64(size))
	}
	if h.extended != nil {
		h.extended.sent(s.more, rec, r, h.secure(r))
	}
	if failed != nil {
		h.panicked(s, r, failed)
	}
	if h.served != nil {
		h.tell(s, r, size, took, &trace, failed)
	}
}

// tell says to the application what was counted.
func (h *httpMetrics) tell(s *series, r *http.Request, size int64, took time.Duration, trace *traced, failed *failure) {
	served := Served{
		Route: s.route, Method: s.method, Status: s.key.status,
		Size: size, Duration: took, Panicked: failed != nil,
	}
	if h.trace != nil && trace.ask(h.trace, r) {
		served.TraceID, served.SpanID = trace.TraceID, trace.SpanID
	}
	h.served(r, served)
}

func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }
