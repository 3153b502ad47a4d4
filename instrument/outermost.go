package instrument

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// chainMetrics are those of [Metrics.Outermost].
type chainMetrics struct {
	received, sent, unknownLatency prometheus.Counter
	latency                        prometheus.Observer
}

// Outermost measures the requests together with everything that is done to them before and after [Metrics.Middleware]:
//
//	http_requests_received_total                          counted on arrival, before all middlewares
//	http_responses_sent_total                             counted after all middlewares
//	http_request_duration_with_middlewares_seconds        histogram
//	http_requests_unknown_latency_with_middlewares_total  connections that were taken over
//
// It goes around the whole chain, and the other one around the mux:
//
//	m.Outermost(recoverPanics(compress(authenticate(m.Middleware(mux)))))
//
// The metrics are there from the start with Options.Extended, and otherwise from the first call of Outermost.
//
// What a middleware answers by itself is counted here alone. A panic is counted once, by Middleware if it passes it, and
// by Outermost if it began in between; a request that ends in a panic counts as answered. It hands on a copy of the
// request, whose context has a value more.
func (m *Metrics) Outermost(next http.Handler) http.Handler {
	return &outermost{metrics: m.http, chain: m.chain(), next: next}
}

// chain returns the metrics of Outermost, registered.
func (m *Metrics) chain() *chainMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.http.chain == nil {
		d := &httpDeclaration{opts: m.http.opts}
		m.http.chain = d.chain(chainNames)
		reg := &undoableRegisterer{Registerer: m.registerer, owned: m.owned}
		if err := d.register(reg); err != nil {
			reg.undo()
			m.logger.Error("metrics of the whole chain are not exposed", "error", err)
			m.errs = append(m.errs, err)
		}
	}
	return m.http.chain
}

// names of chainMetrics in one scheme.
type chainScheme struct{ received, sent, unknownLatency, latency string }

var (
	chainNames = chainScheme{
		received:       "http_requests_received_total",
		sent:           "http_responses_sent_total",
		unknownLatency: "http_requests_unknown_latency_with_middlewares_total",
		latency:        "http_request_duration_with_middlewares_seconds",
	}
	djangoChainNames = chainScheme{
		received:       "django_http_requests_before_middlewares_total",
		sent:           "django_http_responses_before_middlewares_total",
		unknownLatency: "django_http_requests_unknown_latency_including_middlewares_total",
		latency:        "django_http_requests_latency_including_middlewares_seconds",
	}
)

func (d *httpDeclaration) chain(names chainScheme) *chainMetrics {
	return &chainMetrics{
		received:       d.counter(names.received, "HTTP requests that arrived, before all middlewares."),
		sent:           d.counter(names.sent, "HTTP requests that were answered, after all middlewares."),
		unknownLatency: d.counter(names.unknownLatency, "HTTP requests whose latency with all middlewares is not known, because their connection was taken over."),
		latency: d.histogram(names.latency,
			"Time from a request's arrival before all middlewares to the return of the last of them.", d.opts.LatencyBuckets),
	}
}

type outermost struct {
	metrics *httpMetrics
	chain   *chainMetrics
	next    http.Handler
}

func (h *outermost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := h.metrics
	rec, wrapped := record(w)
	whole := &chain{Context: r.Context(), key: chainKey{m}}
	r = r.WithContext(whole)
	h.chain.received.Inc()
	start := m.now()
	returned := false
	defer func() {
		if returned {
			h.observe(rec, start)
			return
		}
		value := recover() // see middleware.ServeHTTP
		h.observe(rec, start)
		if value != nil {
			if !whole.panicCounted.Load() && value != http.ErrAbortHandler {
				m.panics.add(m.routeLabel(rec, r), value)
			}
			panic(value)
		}
	}()
	h.next.ServeHTTP(wrapped, r)
	returned = true
}

func (h *outermost) observe(rec *recorder, start time.Duration) {
	h.chain.sent.Inc()
	if d := rec.details; d != nil {
		d.request = nil // its batch may be kept for a while
	}
	if rec.hijacked {
		h.chain.unknownLatency.Inc()
		return
	}
	h.chain.latency.Observe(seconds(h.metrics.now() - start))
}

// chain tells Outermost what Middleware has counted. It goes by the request's context, because that passes writers which
// can't be unwrapped.
type chain struct {
	context.Context
	key          chainKey
	panicCounted atomic.Bool
}

type chainKey struct{ *httpMetrics }

func (c *chain) Value(key any) any {
	if key == c.key {
		return c
	}
	return c.Context.Value(key)
}
