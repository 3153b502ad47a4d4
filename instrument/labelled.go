package instrument

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// labelled is a counter with one label whose values come from outside: what comes beyond a limit is counted as one
// further value. It takes no lock for values that it knows.
type labelled struct {
	vec   *prometheus.CounterVec
	bound *bound
	other string

	known atomic.Pointer[map[string]prometheus.Counter]
	grow  sync.Mutex
}

func (d *httpDeclaration) labelled(other string, limit int, name, help, label string) *labelled {
	l := &labelled{
		vec: d.counterVec(name, help, label), other: other,
		bound: d.bound(name, limit, "values of "+label+" should be few and known"),
	}
	l.known.Store(&map[string]prometheus.Counter{})
	return l
}

func (l *labelled) inc(value string) {
	value = bounded(value)
	if c, ok := (*l.known.Load())[value]; ok {
		c.Inc()
		return
	}
	l.add(value).Inc()
}

func (l *labelled) add(value string) prometheus.Counter {
	l.grow.Lock()
	defer l.grow.Unlock()
	known := *l.known.Load()
	if c, ok := known[value]; ok {
		return c
	}
	if len(known) >= l.bound.limit {
		l.bound.exceeded(value)
		return l.vec.WithLabelValues(l.other)
	}
	c := l.vec.WithLabelValues(sanitized(value))
	grown := make(map[string]prometheus.Counter, len(known)+1)
	maps.Copy(grown, known)
	grown[strings.Clone(value)] = c
	l.known.Store(&grown)
	return c
}
