package instrument_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/truecount/truecount/instrument"
)

// nullWriter is a response writer with the interfaces of net/http's own. It is padded, since two writers in one cache
// line make parallel runs measure the cache line.
type nullWriter struct {
	_      [64]byte
	header http.Header
	_      [64]byte
}

func (w *nullWriter) Header() http.Header               { return w.header }
func (w *nullWriter) WriteHeader(int)                   {}
func (w *nullWriter) Write(b []byte) (int, error)       { return len(b), nil }
func (w *nullWriter) WriteString(s string) (int, error) { return len(s), nil }
func (w *nullWriter) Flush()                            {}
func (w *nullWriter) ReadFrom(io.Reader) (int64, error) { return 0, nil }
func (w *nullWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

var benchBody = []byte("hello")

// BenchmarkRequest measures one GET through a ServeMux; subtract Bare.
func BenchmarkRequest(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /walks/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(benchBody) })
	with := func(change func(*instrument.Options)) http.Handler {
		m, _ := newMetrics(b, change)
		return m.Middleware(mux)
	}
	whole := func(change func(*instrument.Options)) http.Handler {
		m, _ := newMetrics(b, change)
		return m.Outermost(m.Middleware(mux))
	}
	for _, variant := range []struct {
		name    string
		handler http.Handler
	}{
		{"Bare", mux},
		{"Instrument", with(func(*instrument.Options) {})},
		{"Native", with(func(o *instrument.Options) { o.Histograms = instrument.NativeHistograms })},
		{"Sampled", with(func(o *instrument.Options) { o.Trace = instrument.Traceparent })},
		{"Extended", with(func(o *instrument.Options) { o.Extended = true })},
		{"All19", whole(func(o *instrument.Options) { o.Extended = true })},
		{"All19Django", whole(func(o *instrument.Options) { o.Names = instrument.DjangoNames })},
		{"Promhttp", throughPromhttp(mux)},
	} {
		b.Run(variant.name, func(b *testing.B) {
			r, w := benchRequest(b)
			b.ReportAllocs()
			for b.Loop() {
				variant.handler.ServeHTTP(w, r)
			}
		})
		b.Run(variant.name+"Parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r, w := benchRequest(b)
				for pb.Next() {
					variant.handler.ServeHTTP(w, r)
				}
			})
		})
	}
}

func benchRequest(b *testing.B) (*http.Request, *nullWriter) {
	r, err := http.NewRequest("GET", "/walks/7", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Traceparent", parent)
	return r, &nullWriter{header: http.Header{}}
}

// throughPromhttp has the same four metrics, by client_golang's own middleware.
func throughPromhttp(next http.Handler) http.Handler {
	reg := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"code", "method"})
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration_seconds"}, []string{"code", "method"})
	size := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "size_bytes"}, []string{"code", "method"})
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"})
	reg.MustRegister(requests, latency, size, inFlight)
	return promhttp.InstrumentHandlerInFlight(inFlight, promhttp.InstrumentHandlerDuration(latency,
		promhttp.InstrumentHandlerCounter(requests, promhttp.InstrumentHandlerResponseSize(size, next))))
}

func TestTheMiddlewareAllocatesNothingPerRequest(t *testing.T) {
	for name, change := range map[string]func(*instrument.Options){
		"default":  func(*instrument.Options) {},
		"native":   func(o *instrument.Options) { o.Histograms = instrument.NativeHistograms },
		"sampled":  func(o *instrument.Options) { o.Trace = instrument.Traceparent },
		"extended": extended,
		"django":   func(o *instrument.Options) { o.Names = instrument.DjangoNames },
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newMetrics(t, change)
			h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(benchBody) }))
			r, w := &http.Request{Method: "GET", Pattern: "GET /page", Header: http.Header{"Traceparent": {parent}}}, &nullWriter{header: http.Header{}}
			// One in fifty, for the next batch of recorders: the average rounds down.
			if n := testing.AllocsPerRun(10_000, func() { h.ServeHTTP(w, r) }); n >= 1 {
				t.Errorf("%v allocations per request", n)
			}
		})
	}
}
