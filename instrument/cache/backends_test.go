package cache_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/cache"
)

type fixture struct {
	*cache.Backends
	reg    *prometheus.Registry
	logged *bytes.Buffer
}

func newBackends(t testing.TB, names ...string) fixture {
	t.Helper()
	f := fixture{reg: prometheus.NewRegistry(), logged: &bytes.Buffer{}}
	m, err := instrument.New(instrument.Options{Registry: f.reg, Logger: slog.New(slog.NewTextHandler(f.logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if f.Backends, err = cache.New(m, names...); err != nil {
		t.Fatal(err)
	}
	return f
}

// counts are a backend's gets, hits, misses and failures.
type counts struct{ gets, hits, misses, failures float64 }

func (f fixture) expect(t *testing.T, backend string, want counts) {
	t.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got counts
	into := map[string]*float64{
		"cache_gets_total": &got.gets, "cache_hits_total": &got.hits, "cache_misses_total": &got.misses, "cache_failures_total": &got.failures,
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if value, ok := into[family.GetName()]; ok && m.GetLabel()[0].GetValue() == backend {
				*value = m.GetCounter().GetValue()
			}
		}
	}
	if got != want {
		t.Errorf("%s: counted %+v, want %+v", backend, got, want)
	}
}

func TestEveryBackendIsExposedAtZeroInBothSchemes(t *testing.T) {
	for _, tt := range []struct {
		opts  instrument.Options
		names [4]string
	}{
		{instrument.Options{}, [4]string{"cache_gets_total", "cache_hits_total", "cache_misses_total", "cache_failures_total"}},
		{instrument.Options{Names: instrument.DjangoNames}, [4]string{
			"django_cache_get_total", "django_cache_get_hits_total", "django_cache_get_misses_total", "django_cache_get_fail_total",
		}},
		{instrument.Options{Namespace: "shop"}, [4]string{
			"shop_cache_gets_total", "shop_cache_hits_total", "shop_cache_misses_total", "shop_cache_failures_total",
		}},
	} {
		tt.opts.Registry = prometheus.NewRegistry()
		m, err := instrument.New(tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cache.New(m, "redis", "local"); err != nil {
			t.Fatal(err)
		}
		helps := []string{
			"Lookups in the cache that were begun", "Lookups that found the key",
			"Lookups that did not find the key", "Lookups that the cache could not answer",
		}
		for i, name := range tt.names {
			want := fmt.Sprintf("# HELP %[1]s %[2]s, by backend.\n# TYPE %[1]s counter\n%[1]s{backend=\"local\"} 0\n%[1]s{backend=\"redis\"} 0\n", name, helps[i])
			if err := testutil.GatherAndCompare(tt.opts.Registry, strings.NewReader(want), name); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestABackendThatIsNotKnownCountsAsOtherAndIsLoggedOnce(t *testing.T) {
	f := newBackends(t, "redis")
	for i := range 1000 {
		b := f.Backend(fmt.Sprint("cache ", i))
		b.Began(1)
		b.Hit(1)
	}
	f.expect(t, cache.Other, counts{gets: 1000, hits: 1000})
	f.expect(t, "redis", counts{})
	if logged := f.logged.String(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, `backend="cache 0"`) {
		t.Errorf("logged: %s", logged)
	}
}

func TestNoLookupsCountNothing(t *testing.T) {
	f := newBackends(t, "redis")
	b := f.Backend("redis")
	for _, n := range []int{0, -1} {
		b.Began(n)
		b.Hit(n)
		b.Missed(n)
		b.Failed(n)
	}
	f.expect(t, "redis", counts{})
}

func TestNewRefusesWhatMakesNoSenseAndLeavesNothingBehind(t *testing.T) {
	for name, tt := range map[string]struct {
		backends []string
		taken    string
		want     string
	}{
		"no backends":   {want: "no backends given"},
		"empty":         {backends: []string{""}, want: "the name of a backend is empty"},
		"not UTF-8":     {backends: []string{"\xff"}, want: "is not valid UTF-8"},
		"twice":         {backends: []string{"redis", "redis"}, want: `backend "redis" is given twice`},
		"name is taken": {backends: []string{"redis"}, taken: "cache_failures_total", want: `metric "cache_failures_total" is already registered`},
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			if tt.taken != "" {
				reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: tt.taken, Help: "Mine."}))
			}
			m, err := instrument.New(instrument.Options{Registry: reg})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cache.New(m, tt.backends...); err == nil || !strings.HasPrefix(err.Error(), "cache: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if n, err := testutil.GatherAndCount(reg, "cache_gets_total", "cache_hits_total", "cache_misses_total"); n != 0 || err != nil {
				t.Errorf("%d series are left, %v", n, err)
			}
		})
	}
}
