package merge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/truecount/truecount/internal/merge"
)

// fourWorkers are a service as the library instruments one: 12 routes with counters and latency histograms, the Go and
// process collectors; about 230 series with 550 samples each.
func fourWorkers(b *testing.B) (*merge.Merger, []*worker) {
	dir := socketDir(b)
	var workers []*worker
	for pid := 1; pid <= 4; pid++ {
		w := startWorker(b, dir, pid)
		workers = append(workers, w)
		requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"route", "method", "status"})
		latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Latency."}, []string{"route", "method"})
		w.registry.MustRegister(requests, latency, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		for route := range 12 {
			for _, method := range []string{"GET", "POST"} {
				for _, status := range []string{"200", "301", "400", "404", "500"} {
					requests.WithLabelValues(fmt.Sprintf("/route/%d", route), method, status).Inc()
				}
				latency.WithLabelValues(fmt.Sprintf("/route/%d", route), method).Observe(float64(route) / 10)
			}
		}
	}
	m := mergerOf(b, dir)
	read(b, m)
	return m, workers
}

// One round: four workers are asked, answer from memory, are decoded and added up.
func BenchmarkReadingRound4Workers(b *testing.B) {
	m, workers := fourWorkers(b)
	for _, w := range workers {
		answer := scrapeAs(b, promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{}), acceptProto)
		w.set(func() {
			w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", acceptProto)
				_, _ = rw.Write(answer)
			})
		})
		b.SetBytes(4 * int64(len(answer)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Read(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// The first scrape after a reading puts the page together and writes it.
func BenchmarkMergedScrape4WorkersAfterAReading(b *testing.B) {
	for name, accept := range map[string]string{"text": "", "protobuf": acceptProto} {
		b.Run(name, func(b *testing.B) {
			m, _ := fourWorkers(b)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				read(b, m)
				b.StartTimer()
				b.SetBytes(int64(scrapeSize(m, accept)))
			}
		})
	}
}

// Any further scrape until the next reading.
func BenchmarkMergedScrape4WorkersCached(b *testing.B) {
	m, _ := fourWorkers(b)
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(scrapeSize(m, "")))
	}
}

func scrapeSize(h http.Handler, accept string) int {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Body.Len()
}

const (
	largeWorkers = 8
	largeSeries  = 10_000 // of each worker: 2,400 counters and 400 histograms with 19 samples
)

// eightWorkers answer with 10,000 series each.
func eightWorkers(b *testing.B) *merge.Merger {
	dir := socketDir(b)
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"route", "method", "status"})
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Latency.",
		Buckets: prometheus.ExponentialBuckets(.001, 2, 16)}, []string{"route", "method"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(requests, latency)
	for route := range 200 {
		for _, method := range []string{"GET", "POST"} {
			for status := range 6 {
				requests.WithLabelValues(fmt.Sprintf("/route/%d", route), method, fmt.Sprint(200+status)).Add(float64(route))
			}
			latency.WithLabelValues(fmt.Sprintf("/route/%d", route), method).Observe(float64(route) / 10)
		}
	}
	answer := scrapeAs(b, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), acceptProto)
	for pid := range largeWorkers {
		w := startWorker(b, dir, 1+pid)
		w.set(func() {
			w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", acceptProto)
				_, _ = rw.Write(answer)
			})
		})
	}
	m := mergerOf(b, dir)
	read(b, m)
	if c := m.Counter("http_requests_total"); c.Total != largeWorkers*12*199*200/2 {
		b.Fatalf("the workers count %v", c.Total)
	}
	return m
}

func perSeries(b *testing.B, series int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(series), "ns/series")
}

// One round over many series: what is read is eight times what is served.
func BenchmarkReadingRound8Workers10kSeries(b *testing.B) {
	m := eightWorkers(b)
	b.ReportAllocs()
	for b.Loop() {
		read(b, m)
	}
	perSeries(b, largeWorkers*largeSeries)
}

// The scrape after it.
func BenchmarkMergedScrape8Workers10kSeries(b *testing.B) {
	m := eightWorkers(b)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		read(b, m)
		b.StartTimer()
		b.SetBytes(int64(scrapeSize(m, "")))
	}
	perSeries(b, largeSeries)
}
