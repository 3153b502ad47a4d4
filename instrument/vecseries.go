package instrument

import (
	"slices"
	"strconv"
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

	published index[M]
	full      atomic.Bool // there is no place, and all series are published

	limit  atomic.Int64
	mu     sync.Mutex
	count  int
	fresh  map[string]entry[M] // by joined
	missed int                 // how often fresh was looked at since the last copy

	rest                               M // what is over the limit
	makeRest, logOverflow, logMismatch sync.Once
}

type entry[M any] struct {
	values []string
	series M
}

func newBoundedSeries[M any](m *Metrics, name string, labels []string, standIn M) *boundedSeries[M] {
	b := &boundedSeries[M]{
		metric: sanitized(bounded(name)), labels: slices.Clone(labels), unexposed: standIn, overflows: m.overflows,
		fresh: map[string]entry[M]{},
	}
	b.limit.Store(int64(m.maxSeriesPerMetric))
	b.overflown = m.overflows.of(b.metric)
	b.published.init(len(labels))
	return b
}

func (b *boundedSeries[M]) get(values []string) M {
	if len(values) != len(b.labels) {
		return b.mismatch("values", len(values))
	}
	if series, ok := b.published.find(values); ok {
		return series
	}
	return b.getSlowly(values)
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
func (b *boundedSeries[M]) getSlowly(values []string) M {
	if slices.ContainsFunc(values, unfit) {
		fitting := make([]string, len(values))
		for i, v := range values {
			fitting[i] = labelValue(v)
		}
		if series, ok := b.published.find(fitting); ok {
			return series
		}
		return b.getOrAdd(fitting)
	}
	return b.getOrAdd(values)
}

func (b *boundedSeries[M]) getOrAdd(values []string) M {
	if b.full.Load() {
		return b.overflow(values)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if series, ok := b.published.find(values); ok { // meanwhile
		return series
	}
	key := string(joined(nil, values))
	e, ok := b.fresh[key]
	if !ok {
		if int64(b.count) >= b.limit.Load() {
			b.publish()
			b.full.Store(true)
			return b.overflow(values)
		}
		e.values = make([]string, len(values))
		for i, v := range values {
			e.values[i] = strings.Clone(v)
		}
		var err error
		if e.series, err = b.make(e.values...); err != nil {
			return b.unexposed
		}
		b.fresh[key] = e
		b.count++
	}
	if b.missed++; b.missed > b.count/8 {
		b.publish()
	}
	return e.series
}

// publish makes all series findable without the lock; mu is held.
func (b *boundedSeries[M]) publish() {
	b.missed = 0
	if len(b.fresh) > 0 {
		b.published.replace(b.fresh, nil)
		b.fresh = map[string]entry[M]{}
	}
}

func (b *boundedSeries[M]) remove(values []string) bool {
	if len(values) != len(b.labels) {
		return false
	}
	fitting := make([]string, len(values))
	for i, v := range values {
		fitting[i] = labelValue(v)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish()
	if _, ok := b.published.find(fitting); !ok || slices.Equal(fitting, b.restValues()) {
		return false
	}
	b.published.replace(nil, fitting)
	b.count--
	b.full.Store(false)
	return b.forget(fitting...)
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

// joined appends the values so that no two lists of them are alike.
func joined(key []byte, values []string) []byte {
	for _, v := range values {
		key = strconv.AppendInt(key, int64(len(v)), 10)
		key = append(key, ':')
		key = append(key, v...)
	}
	return key
}
