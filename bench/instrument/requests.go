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
	all := []subject{{name: "bare", run: serve(bare)}}
	for _, variant := range []struct {
		name string
		opts instrument.Options
	}{
		{"ours", instrument.Options{}},
	} {
		variant.opts.Registry, variant.opts.WithoutRuntime = prometheus.NewRegistry(), true
		m, err := instrument.New(variant.opts)
		if err != nil {
			return nil, err
		}
		all = append(all, subject{name: variant.name, ours: true, run: serve(m.Middleware(bare))})
	}
	return []comparison{{
		name:  "Request",
		title: "one GET through a ServeMux",
		subjects: append(all,
			subject{name: "promhttp", run: serve(throughPromhttp(bare))},
			subject{name: "go-http-metrics", run: serve(throughSlok(bare))},
			subject{name: "otelhttp-metrics-only", run: serve(throughOtel(bare))},
		),
	}}, nil
}

func serve(handler http.Handler) func(*testing.B) {
	return func(b *testing.B) {
		request, err := http.NewRequest(http.MethodGet, "/walks/7", nil)
		if err != nil {
			b.Fatal(err)
		}
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
