package cache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/cache"
)

// printMetrics prints the samples whose names have the prefix, as a scrape sees them.
func printMetrics(h http.Handler, prefix string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			fmt.Print(line)
		}
	}
}

var errNoSuchKey = errors.New("no such key")

// ages is a cache in memory; a real one is remote.
type ages map[string]int

func (a ages) Get(_ context.Context, dog string) (int, error) {
	age, ok := a[dog]
	if !ok {
		return 0, errNoSuchKey
	}
	return age, nil
}

func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	backends, err := cache.New(m, "ages")
	if err != nil {
		fmt.Println(err)
		return
	}
	counted := cache.Wrap(backends.Backend("ages"), ages{"Rex": 7, "puppy": 0}, cache.MissIs(errNoSuchKey))

	for _, dog := range []string{"Rex", "puppy", "Bo"} {
		age, err := counted.Get(context.Background(), dog)
		fmt.Println(dog, age, err)
	}
	printMetrics(m.Handler(), "cache_")
	// Output:
	// Rex 7 <nil>
	// puppy 0 <nil>
	// Bo 0 no such key
	// cache_failures_total{backend="ages"} 0
	// cache_gets_total{backend="ages"} 3
	// cache_hits_total{backend="ages"} 2
	// cache_misses_total{backend="ages"} 1
}

// A cache in memory tells a miss by its second result.
func ExampleWrapLookup() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	backends, err := cache.New(m, "pages")
	if err != nil {
		fmt.Println(err)
		return
	}
	counted := cache.WrapLookup(backends.Backend("pages"), pages{"/": "Hello"})
	counted.Get("/")
	counted.Get("/about")
	printMetrics(m.Handler(), "cache_")
	// Output:
	// cache_failures_total{backend="pages"} 0
	// cache_gets_total{backend="pages"} 2
	// cache_hits_total{backend="pages"} 1
	// cache_misses_total{backend="pages"} 1
}

type pages map[string]string

func (p pages) Get(path string) (string, bool) {
	page, ok := p[path]
	return page, ok
}
