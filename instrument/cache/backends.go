package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// Other is the label value of what is counted for a backend that was not declared.
const Other = "other"

// Backends are the caches of one service. Make them once with [New]; their methods may be called concurrently.
type Backends struct {
	vecs    [outcomes]*prometheus.CounterVec
	known   map[string]*Backend
	other   func() *Backend
	logger  *slog.Logger
	unknown sync.Once // logs
}

// New declares the counters, and exposes 0 for each of the backends from the start. The backends are names as they
// shall appear in the label, "redis" or what is kept there, "sessions".
//
// It fails without any backend, if a name is empty, not UTF-8 or given twice, and if the metrics' names are taken on
// the registry; so there is one Backends for each Metrics.
func New(m *instrument.Metrics, backends ...string) (*Backends, error) {
	if m == nil {
		return nil, errors.New("cache: no metrics given: make them with instrument.New")
	}
	if err := validate(backends); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	b := &Backends{known: make(map[string]*Backend, len(backends)), logger: m.Logger()}
	for o, metric := range [outcomes]struct{ name, django, help string }{
		gets:     {"cache_gets_total", "django_cache_get_total", "Lookups in the cache that were begun, by backend."},
		hits:     {"cache_hits_total", "django_cache_get_hits_total", "Lookups that found the key, by backend."},
		misses:   {"cache_misses_total", "django_cache_get_misses_total", "Lookups that did not find the key, by backend."},
		failures: {"cache_failures_total", "django_cache_get_fail_total", "Lookups that the cache could not answer, by backend."},
	} {
		b.vecs[o] = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: m.Name(metric.name, metric.django), Help: metric.help,
		}, []string{"backend"})
	}
	if err := m.Declare(b.vecs[gets], b.vecs[hits], b.vecs[misses], b.vecs[failures]); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	for _, name := range backends {
		b.known[name] = b.newBackend(name)
	}
	b.other = sync.OnceValue(func() *Backend { return b.newBackend(Other) })
	return b, nil
}

func validate(backends []string) error {
	if len(backends) == 0 {
		return errors.New("no backends given: name the caches that are counted")
	}
	for i, name := range backends {
		switch {
		case name == "":
			return errors.New("the name of a backend is empty")
		case !utf8.ValidString(name):
			return fmt.Errorf("the name of backend %q is not valid UTF-8", name)
		case slices.Contains(backends[:i], name):
			return fmt.Errorf("backend %q is given twice: each needs a name of its own", name)
		}
	}
	return nil
}

// Backend returns the counts of one backend, to be kept: what is counted through it looks nothing up. A name that New
// was not given is counted as backend "other", and logged once.
func (b *Backends) Backend(name string) *Backend {
	if known, ok := b.known[name]; ok {
		return known
	}
	b.unknown.Do(func() {
		b.logger.Warn("a cache backend was not declared: its lookups, and those of further ones, are counted as backend "+Other+
			"; give its name to cache.New", "backend", name)
	})
	return b.other()
}

func (b *Backends) newBackend(name string) *Backend {
	backend := &Backend{}
	for o, vec := range b.vecs {
		backend.counters[o] = vec.WithLabelValues(name)
	}
	return backend
}
