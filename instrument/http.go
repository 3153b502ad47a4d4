package instrument

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// httpMetrics are the instruments of HTTP requests.
type httpMetrics struct {
	inFlight atomic.Int64 // a gauge's floating-point number costs twice as much to move
	epoch    time.Time

	route   func(*http.Request) string
	secure  func(*http.Request) bool
	trace   func(*http.Request) (Trace, bool) // nil if nobody asks
	served  func(*http.Request, Served)       // nil if nobody is told
	methods map[string]string
	labels  labelScheme
	opts    Options

	requests *prometheus.CounterVec                         // route, method, status
	latency  *prometheus.HistogramVec                       // route, method
	size     func(route, method string) prometheus.Observer // of responses
	panics   *panics
	extended *extended // nil unless Options.Extended
	chain    *chainMetrics

	latencyBuckets []float64
	bound          *bound // Options.MaxSeries
	known          atomic.Pointer[map[seriesKey]*series]
	direct         directTable
	grow           sync.Mutex                     // held to replace known, and for exemplars
	exemplars      map[[2]string]*bucketRefreshes // by route and method
}

func newHTTPMetrics(reg prometheus.Registerer, opts Options, overflows *overflows) (*httpMetrics, error) {
	h := &httpMetrics{
		epoch: time.Now(),
		route: opts.Route, secure: opts.Secure, trace: opts.Trace, served: opts.Served,
		methods: map[string]string{}, labels: opts.Names.labels(), opts: opts,
		latencyBuckets: opts.LatencyBuckets,
		exemplars:      map[[2]string]*bucketRefreshes{},
	}
	for _, name := range opts.Methods {
		h.methods[name] = sanitized(name)
	}
	h.known.Store(&map[seriesKey]*series{})

	d := &httpDeclaration{opts: opts, overflows: overflows}
	d.gaugeFunc("http_requests_in_flight", "HTTP requests being answered now.", func() float64 { return float64(h.inFlight.Load()) })
	if opts.Names == DjangoNames {
		h.declareDjango(d)
	} else {
		h.declareDefault(d)
		if opts.Extended {
			h.declareExtended(d)
		}
	}
	return h, d.register(reg)
}

// declareDefault makes the default set. The names are as Prometheus' own naming guide has them: base units, _total
// for counters.
func (h *httpMetrics) declareDefault(d *httpDeclaration) {
	h.requests = d.counterVec("http_requests_total", "HTTP requests answered, by route, method and status.", "route", "method", "status")
	h.latency = d.histogramVec("http_request_duration_seconds",
		"Time from a request's arrival in the middleware to the return of its handler.", d.opts.LatencyBuckets, "route", "method")
	size := d.histogramVec("http_response_size_bytes",
		"Size of response bodies as the handlers wrote them, without headers.", d.opts.SizeBuckets, "route", "method")
	h.size = func(route, method string) prometheus.Observer { return size.WithLabelValues(route, method) }
	h.bound = d.seriesBound("http_requests_total")
	byRoute := d.counterVec("http_panics_total", "Panics of handlers, by route and by the type of their value.", "route", "type")
	h.panics = &panics{
		count:   func(route, kind string) { byRoute.WithLabelValues(route, kind).Inc() },
		counted: func(route, kind string) [2]string { return [2]string{route, kind} },
		types:   typesBound(d, "http_panics_total"),
		routes:  newPlaces(d.seriesBound("http_panics_total")),
	}
}

func (o Options) withHTTPDefaults() Options {
	o = o.withGuardedHooks()
	if o.LatencyBuckets == nil {
		o.LatencyBuckets = DefaultLatencyBuckets()
	}
	if o.SizeBuckets == nil {
		o.SizeBuckets = DefaultSizeBuckets()
		if o.Names == DjangoNames {
			o.SizeBuckets = DjangoSizeBuckets()
		}
	}
	if o.Route == nil {
		o.Route = Pattern
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	return o
}

// routeLabel is the route of a request that no series is looked up for.
func (h *httpMetrics) routeLabel(rec *recorder, r *http.Request) string {
	if route := h.routeOf(rec.details, r); route != "" {
		return sanitized(route)
	}
	return h.labels.noRoute
}

// routeOf is what SetRoute was told, or else what Options.Route says.
func (h *httpMetrics) routeOf(d *details, r *http.Request) string {
	if d != nil && d.route != "" {
		return d.route
	}
	return bounded(h.route(r))
}

// seriesBound is Options.MaxSeries, for the metric that has the most series.
func (d *httpDeclaration) seriesBound(metric string) *bound {
	return d.bound(metric, d.opts.MaxSeries, "routes should be few: patterns, never paths")
}
