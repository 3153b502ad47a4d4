package main

import (
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	slokprometheus "github.com/slok/go-http-metrics/metrics/prometheus"
	"github.com/slok/go-http-metrics/middleware"
	"github.com/slok/go-http-metrics/middleware/std"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/truecount/truecount/instrument"
)

var body = []byte("hello")

// route is the pattern of the one page; slok's middleware is told it, as it cannot find it out.
const route = "/walks/{id}"

// requests compares one GET through a ServeMux.
func requests() ([]comparison, error) {
	bare := http.NewServeMux()
	bare.HandleFunc("GET "+route, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	all := []subject{{name: "bare", run: serve(bare, plain)}}
	for _, v := range variants() {
		v.opts.Registry, v.opts.WithoutRuntime = prometheus.NewRegistry(), true
		m, err := instrument.New(v.opts)
		if err != nil {
			return nil, err
		}
		handler := m.Middleware(bare)
		if v.opts.Extended || v.opts.Names == instrument.DjangoNames {
			handler = m.Outermost(handler)
		}
		if err := m.Err(); err != nil {
			return nil, err
		}
		all = append(all, subject{name: v.name, ours: true, run: serve(handler, v.header)})
	}
	return []comparison{{
		name:  "Request",
		title: "one GET through a ServeMux",
		subjects: append(all,
			subject{name: "promhttp", run: serve(throughPromhttp(bare), plain)},
			subject{name: "go-http-metrics", run: serve(throughSlok(bare), plain)},
			subject{name: "otelhttp-metrics-only", run: serve(throughOtel(bare), plain)},
		),
	}}, nil
}

// plain is a request without headers of interest, sampled one of a trace that is recorded.
var (
	plain   = http.Header{}
	sampled = http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
)

// A variant is our middleware with some of its options. The first has the default set.
type variant struct {
	name   string
	opts   instrument.Options
	header http.Header
}

func variants() []variant {
	return []variant{
		{"ours", instrument.Options{}, plain},
		{"ours-native-histograms", instrument.Options{Histograms: instrument.NativeHistograms}, plain},
		{"ours-sampled-traces", instrument.Options{Trace: instrument.Traceparent}, sampled},
		{"ours-all-19", instrument.Options{Extended: true}, plain},
		{"ours-all-19-django-names", instrument.Options{Names: instrument.DjangoNames}, plain},
	}
}

func serve(handler http.Handler, header http.Header) func(*testing.B) {
	return func(b *testing.B) {
		request, err := http.NewRequest(http.MethodGet, "/walks/7", nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header = header
		writer := &nullWriter{header: http.Header{}}
		b.ReportAllocs()
		for b.Loop() {
			handler.ServeHTTP(writer, request)
		}
	}
}

// nullWriter writes nothing; padded, since a writer that shares its cache line with another measures the cache line.
type nullWriter struct {
	_      [64]byte
	header http.Header
	_      [64]byte
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }

// throughPromhttp has the four metrics that ours has.
func throughPromhttp(next http.Handler) http.Handler {
	labels := []string{"code", "method"}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, labels)
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration_seconds"}, labels)
	size := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "size_bytes"}, labels)
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"})
	prometheus.NewRegistry().MustRegister(requests, latency, size, inFlight)
	return promhttp.InstrumentHandlerInFlight(inFlight, promhttp.InstrumentHandlerDuration(latency,
		promhttp.InstrumentHandlerCounter(requests, promhttp.InstrumentHandlerResponseSize(size, next))))
}

func throughSlok(next http.Handler) http.Handler {
	recorder := slokprometheus.NewRecorder(slokprometheus.Config{Registry: prometheus.NewRegistry()})
	return std.Handler(route, middleware.New(middleware.Config{Recorder: recorder}), next)
}

func throughOtel(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "walks",
		otelhttp.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))),
		otelhttp.WithTracerProvider(noop.NewTracerProvider()))
}
