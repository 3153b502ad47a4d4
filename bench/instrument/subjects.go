package main

import (
	"net/http"

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

// subject is a handler to measure.
type subject struct {
	name    string
	handler http.Handler
}

var body = []byte("hello")

// route is the pattern of the one page; slok's middleware is told it, as it cannot find it out.
const route = "/walks/{id}"

// subjects returns the bare handler first, ours second, then the peers.
func subjects() ([]subject, error) {
	bare := http.NewServeMux()
	bare.HandleFunc("GET "+route, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	ours, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		return nil, err
	}
	return []subject{
		{"bare", bare},
		{"instrument", ours.Middleware(bare)},
		{"promhttp", throughPromhttp(bare)},
		{"go-http-metrics", throughSlok(bare)},
		{"otelhttp, metrics only", throughOtel(bare)},
	}, nil
}

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
