package instrument

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLabelBytes bounds the memory that one label value takes.
const maxLabelBytes = 1024

// boundedSeries are the series of one metric with labels.
//
// They are found in maps that are only ever replaced, never changed, so that finding one takes no lock. New series
// are found behind the lock at first, until they were asked for often enough to pay for a copy of the map.
type boundedSeries[M any] struct {
	metric    string
	labels    []string
	make      func(values ...string) (M, error)
	forget    func(values ...string) bool
	unexposed M // for what does not fit
	overflows *overflows
	overflown prometheus.Counter

	published atomic.Pointer[index[M]]
	full      atomic.Bool // there is no place, and all series are published

	limit  atomic.Int64
	mu     sync.Mutex
	count  int
	fresh  index[M]
	missed int // how often fresh was looked at since the last copy

	rest                               M // what is over the limit
	makeRest, logOverflow, logMismatch sync.Once
}

func newBoundedSeries[M any](m *Metrics, name string, labels []string, standIn M) *boundedSeries[M] {
	b := &boundedSeries[M]{
		metric: sanitized(bounded(name)), labels: slices.Clone(labels), unexposed: standIn, overflows: m.overflows,
		fresh: index[M]{},
	}
	b.limit.Store(int64(m.maxSeriesPerMetric))
	b.overflown = m.overflows.of(b.metric)
	b.published.Store(&index[M]{})
	return b
}

func (b *boundedSeries[M]) get(values []string) M {
	if len(values) != len(b.labels) {
		return b.mismatch("values", len(values))
	}
	hash := hashOf(values)
	if series, ok := b.published.Load().find(hash, values); ok {
		return series
	}
	return b.getSlowly(hash, values)
}

func (b *boundedSeries[M]) with(labels prometheus.Labels) M {
	if len(labels) != len(b.labels) {
		return b.mismatch("values", len(labels))
	}
	var room [8]string
	values := room[:0]
	for _, name := range b.labels {
		value, ok := labels[name]
		if !ok {
			return b.mismatch("missing", name)
		}
		values = append(values, value)
	}
	return b.get(values)
}

// getSlowly must not keep values: they are on the caller's stack.
func (b *boundedSeries[M]) getSlowly(hash uint64, values []string) M {
	if slices.ContainsFunc(values, unfit) {
		values = fitting(values)
		hash = hashOf(values)
		if series, ok := b.published.Load().find(hash, values); ok {
			return series
		}
	}
	if b.full.Load() {
		return b.overflow(values)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if series, ok := b.published.Load().find(hash, values); ok { // meanwhile
		return series
	}
	series, ok := b.fresh.find(hash, values)
	if !ok {
		if int64(b.count) >= b.limit.Load() {
			b.publish()
			b.full.Store(true)
			return b.overflow(values)
		}
		kept := make([]string, len(values))
		for i, v := range values {
			kept[i] = strings.Clone(v)
		}
		var err error
		if series, err = b.make(kept...); err != nil {
			return b.unexposed
		}
		b.fresh.add(hash, kept, series)
		b.count++
	}
	if b.missed++; b.missed > b.count/8 {
		b.publish()
	}
	return series
}

// publish makes all series findable without the lock; mu is held.
func (b *boundedSeries[M]) publish() {
	b.missed = 0
	if len(b.fresh) > 0 {
		all := b.published.Load().with(b.fresh)
		b.published.Store(&all)
		b.fresh = index[M]{}
	}
}

func (b *boundedSeries[M]) remove(values []string) bool {
	if len(values) != len(b.labels) {
		return false
	}
	values = fitting(values)
	hash := hashOf(values)
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := b.published.Load().with(b.fresh)
	if _, ok := rest.find(hash, values); !ok || slices.Equal(values, b.restValues()) {
		return false
	}
	rest.remove(hash, values)
	b.published.Store(&rest)
	b.fresh = index[M]{}
	b.count--
	b.full.Store(false)
	return b.forget(values...)
}

func (b *boundedSeries[M]) setLimit(limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit.Store(int64(max(limit, 0)))
	b.full.Store(false)
}

// overflow returns the series of what is over the limit.
func (b *boundedSeries[M]) overflow(values []string) M {
	b.overflown.Inc()
	b.logOverflow.Do(func() {
		b.overflows.logger.Warn("too many series: what is over the limit is counted with every label \"overflow\"; "+
			"label values must be few and known", "metric", b.metric, "limit", b.limit.Load(), "values", strings.Join(values, ","))
	})
	b.makeRest.Do(func() {
		rest, err := b.make(b.restValues()...)
		if err != nil {
			rest = b.unexposed
		}
		b.rest = rest
	})
	return b.rest
}

// restValues are the labels of the series of what is over the limit.
func (b *boundedSeries[M]) restValues() []string {
	return slices.Repeat([]string{labelOverflow}, len(b.labels))
}

func (b *boundedSeries[M]) mismatch(key string, value any) M {
	b.overflows.mismatched.WithLabelValues(b.metric).Inc()
	b.logMismatch.Do(func() {
		b.overflows.logger.Error("a series is asked for with labels that the metric does not have: what is counted in it is not exposed",
			"metric", b.metric, "labels", strings.Join(b.labels, ","), key, value)
	})
	return b.unexposed
}

// fitting returns the values as a list of its own.
func fitting(values []string) []string {
	fit := make([]string, len(values))
	for i, v := range values {
		fit[i] = labelValue(v)
	}
	return fit
}

func unfit(value string) bool { return len(value) > maxLabelBytes || !utf8.ValidString(value) }

// labelValue makes a valid label value of a bounded length.
func labelValue(value string) string {
	if !unfit(value) {
		return value
	}
	return cut(strings.ToValidUTF8(cut(value, maxLabelBytes), "\uFFFD"), maxLabelBytes)
}

// cut ends a text between two characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
