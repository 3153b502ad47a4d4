package instrument

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// extended are the metrics of Options.Extended that [Metrics.Middleware] counts: what django-prometheus has beyond the
// default set.
type extended struct {
	ajax, streamed, unknownLatency prometheus.Counter
	templates, byCharset           *labelled
	charsets                       *charsets
	byScheme                       *prometheus.CounterVec // scheme, route, method
	requestSize                    func(route, method string) prometheus.Observer
	totals                         *djangoTotals // nil with Prometheus' names, where they are sums
}

// moreSeries are the instruments of one key beyond the default set.
type moreSeries struct {
	requestSize prometheus.Observer
	byStatus    prometheus.Counter // nil with Prometheus' names
	// byScheme are made when they are needed: most services have one scheme.
	byScheme     [2]atomic.Pointer[prometheus.Counter]
	makeByScheme func(scheme string) prometheus.Counter // nil if they aren't counted
}

func (m *moreSeries) countScheme(scheme int) {
	if m.makeByScheme == nil {
		return
	}
	c := m.byScheme[scheme].Load()
	if c == nil {
		made := m.makeByScheme(schemes[scheme])
		c = &made
		m.byScheme[scheme].Store(c)
	}
	(*c).Inc()
}

// Bounds of the values of the labels template and charset; the latter has fewer.
const (
	maxTemplates = 100
	maxCharsets  = 100
)

var schemes = [2]string{"http", "https"}

func schemeIndex(secure bool) int {
	if secure {
		return 1
	}
	return 0
}

func (h *httpMetrics) declareExtended(d *httpDeclaration) {
	e := &extended{charsets: newCharsets()}
	e.byScheme = d.counterVec("http_requests_by_scheme_total", "HTTP requests answered, by scheme, route and method.", "scheme", "route", "method")
	size := d.histogramVec("http_request_size_bytes",
		"Size of request bodies as the header Content-Length announces it; none is observed if it doesn't.", d.opts.SizeBuckets, "route", "method")
	e.requestSize = func(route, method string) prometheus.Observer { return size.WithLabelValues(route, method) }
	e.ajax = d.counter("http_requests_ajax_total", "HTTP requests with the header X-Requested-With: XMLHttpRequest.")
	e.streamed = d.counter("http_responses_streamed_total", "HTTP responses of which the handler sent a part before it returned, by flushing.")
	e.unknownLatency = d.counter("http_requests_unknown_latency_total", "HTTP requests whose latency is not known, because their connection was taken over.")
	e.templates = d.labelled(labelOverflow, maxTemplates, "http_responses_by_template_total", "HTTP responses by the template they were rendered from.", "template")
	e.byCharset = d.labelled(labelOther, maxCharsets, "http_responses_by_charset_total", "HTTP responses by the charset of their Content-Type.", "charset")
	h.extended = e
	h.chain = d.chain(chainNames)
}

// django reports whether the metrics are django-prometheus'.
func (e *extended) django() bool { return e != nil && e.totals != nil }

// newSeries makes the instruments of a key. route is its label value.
func (e *extended) newSeries(key seriesKey, route string) *moreSeries {
	more := &moreSeries{requestSize: e.requestSize(route, key.method)}
	if e.django() {
		more.byStatus = e.totals.byStatus.WithLabelValues(statusLabel(key.status))
		if key.route == "" {
			return more // django-prometheus counts these when a view has been found
		}
	}
	more.makeByScheme = func(scheme string) prometheus.Counter { return e.byScheme.WithLabelValues(scheme, route, key.method) }
	return more
}

// received counts what is known of a request when it arrives.
func (e *extended) received(r *http.Request, method string, secure bool) {
	if values := r.Header["X-Requested-With"]; len(values) > 0 && values[0] == "XMLHttpRequest" {
		e.ajax.Inc()
	}
	if e.totals != nil {
		e.totals.byMethod.inc(method)
		e.totals.byTransport[schemeIndex(secure)].Inc()
	}
}

// sent counts what is known of a request when it has been served.
func (e *extended) sent(more *moreSeries, rec *recorder, r *http.Request, secure bool) {
	more.countScheme(schemeIndex(secure))
	if more.byStatus != nil {
		more.byStatus.Inc()
	}
	// net/http has parsed Content-Length; a handler may have changed what it found.
	if r.ContentLength >= 0 {
		more.requestSize.Observe(float64(r.ContentLength))
	}
	if rec.hijacked {
		e.unknownLatency.Inc()
	}
	if rec.streamed {
		e.streamed.Inc()
	}
	if rec.details.template != "" {
		e.templates.inc(rec.details.template)
	}
	if !rec.hijacked {
		e.byCharset.inc(e.charsets.of(rec.details.contentType))
	}
}
