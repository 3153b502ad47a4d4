package instrument

import "github.com/prometheus/client_golang/prometheus"

// djangoTotals are counters of django-prometheus that are sums of others with Prometheus' names.
type djangoTotals struct {
	byMethod    *labelled
	byTransport [2]prometheus.Counter
	byStatus    *prometheus.CounterVec
}

// declareDjango makes the 19 metrics of requests and responses that django-prometheus 2.5 has, by the names that it
// exposes: Python's client appends _total to the names of counters that don't end in it.
func (h *httpMetrics) declareDjango(d *httpDeclaration) {
	h.declareDjangoRequests(d)
	h.declareDjangoResponses(d)
	h.chain = d.chain(djangoChainNames)
}

func (h *httpMetrics) declareDjangoRequests(d *httpDeclaration) {
	h.latency = d.histogramVec("django_http_requests_latency_seconds_by_view_method",
		"Time from a request's arrival in the middleware to the return of its handler, by view and method.", d.opts.LatencyBuckets, "view", "method")
	size := d.histogram("django_http_requests_body_total_bytes",
		"Size of request bodies as the header Content-Length announces it.", d.opts.SizeBuckets)
	transports := d.counterVec("django_http_requests_total_by_transport_total", "Requests by transport: http or https.", "transport")
	h.extended = &extended{
		ajax:           d.counter("django_http_ajax_requests_total", "Requests with the header X-Requested-With: XMLHttpRequest."),
		unknownLatency: d.counter("django_http_requests_unknown_latency_total", "Requests whose latency is not known, because their connection was taken over."),
		byScheme: d.counterVec("django_http_requests_total_by_view_transport_method_total",
			"Requests that matched a view, by transport, view and method.", "transport", "view", "method"),
		requestSize: func(string, string) prometheus.Observer { return size },
		totals: &djangoTotals{
			byMethod:    d.labelled(h.labels.otherMethod, maxMethods, "django_http_requests_total_by_method_total", "Requests by method.", "method"),
			byTransport: [2]prometheus.Counter{transports.WithLabelValues(schemes[0]), transports.WithLabelValues(schemes[1])},
		},
	}
}

func (h *httpMetrics) declareDjangoResponses(d *httpDeclaration) {
	e := h.extended
	h.requests = d.counterVec("django_http_responses_total_by_status_view_method_total", "Responses by view, method and status.", "view", "method", "status")
	h.bound = d.seriesBound("django_http_responses_total_by_status_view_method_total")
	e.totals.byStatus = d.counterVec("django_http_responses_total_by_status_total", "Responses by status.", "status")
	size := d.histogram("django_http_responses_body_total_bytes", "Size of the bodies of responses that were not streamed.", d.opts.SizeBuckets)
	h.size = func(string, string) prometheus.Observer { return size }
	e.streamed = d.counter("django_http_responses_streaming_total", "Responses of which the handler sent a part before it returned, by flushing.")
	e.templates = d.labelled(labelOverflow, maxTemplates, "django_http_responses_total_by_templatename_total",
		"Responses by the template they were rendered from.", "templatename")
	e.charsets = newCharsets()
	e.byCharset = d.labelled(labelOther, maxCharsets, "django_http_responses_total_by_charset_total",
		"Responses by the charset of their Content-Type.", "charset")
	byType := d.counterVec("django_http_exceptions_total_by_type_total", "Panics of handlers, by the type of their value.", "type")
	byView := d.counterVec("django_http_exceptions_total_by_view_total", "Panics of handlers, by view.", "view")
	h.panics = &panics{
		count: func(view, kind string) {
			byType.WithLabelValues(kind).Inc()
			byView.WithLabelValues(view).Inc()
		},
		counted: func(view, _ string) [2]string { return [2]string{view} },
		types:   typesBound(d, "django_http_exceptions_total_by_type_total"),
		routes:  newPlaces(d.seriesBound("django_http_exceptions_total_by_view_total")),
	}
}
