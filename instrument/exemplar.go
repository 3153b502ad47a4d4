package instrument

import (
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// exemplarInterval is how long a series keeps its exemplar at least. Making one costs as much as five requests' whole
// measuring, and a scrape sees only the last.
const exemplarInterval = time.Second

// refresh remembers when a series was given its exemplar: a nanosecond more than the time since the metrics' epoch, 0 for never.
type refresh struct{ last atomic.Int64 }

func (f *refresh) due(now time.Duration) bool { return due(f.last.Load(), now) }

// take is for the one of several requests that may refresh the exemplar.
func (f *refresh) take(now time.Duration) bool {
	last := f.last.Load()
	return due(last, now) && f.last.CompareAndSwap(last, int64(now)+1)
}

func due(last int64, now time.Duration) bool {
	return last == 0 || int64(now)+1-last >= int64(exemplarInterval)
}

// bucketRefreshes has one refresh per bucket: each is a series, and the rare slow requests should have exemplars, too.
type bucketRefreshes struct {
	bounds    []float64
	refreshes []refresh
}

func newBucketRefreshes(bounds []float64) *bucketRefreshes {
	return &bucketRefreshes{bounds, make([]refresh, len(bounds)+1)}
}

func (b *bucketRefreshes) of(value float64) *refresh {
	return &b.refreshes[sort.SearchFloat64s(b.bounds, value)]
}

// traced is the trace of one request, asked for at most once.
type traced struct {
	Trace
	asked, ok bool
}

func (t *traced) ask(of func(*http.Request) (Trace, bool), r *http.Request) bool {
	if t.asked {
		return t.ok
	}
	t.asked = true
	if t.Trace, t.ok = of(r); !t.ok || !t.usable() {
		t.Trace, t.ok = Trace{}, false
	}
	return t.ok
}

// labels are of memory of their own: the ids may be parts of a request's header.
func (t *traced) labels() prometheus.Labels {
	labels := prometheus.Labels{traceIDLabel: strings.Clone(t.TraceID)}
	if t.SpanID != "" {
		labels[spanIDLabel] = strings.Clone(t.SpanID)
	}
	return labels
}

// countTraced counts a request with its trace as exemplar, where that is due, and without where it is not.
func (h *httpMetrics) countTraced(s *series, r *http.Request, trace *traced, seconds float64, now time.Duration, timed bool) {
	bucket := s.exemplars.of(seconds)
	var labels prometheus.Labels
	if (s.counted.due(now) || timed && bucket.due(now)) && trace.ask(h.trace, r) && trace.Sampled {
		labels = trace.labels()
	}
	if adder, ok := s.requests.(prometheus.ExemplarAdder); ok && labels != nil && s.counted.take(now) {
		adder.AddWithExemplar(1, labels)
	} else {
		s.requests.Inc()
	}
	if !timed {
		return
	}
	if observer, ok := s.latency.(prometheus.ExemplarObserver); ok && labels != nil && bucket.take(now) {
		observer.ObserveWithExemplar(seconds, labels)
	} else {
		s.latency.Observe(seconds)
	}
}
