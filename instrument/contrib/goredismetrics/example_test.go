package goredismetrics_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/cache"
	"github.com/truecount/truecount/instrument/contrib/goredismetrics"
)

// Nothing listens where this client looks, so that its lookup fails.
func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	backends, err := cache.New(m, "sessions")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: "/nowhere/redis.sock", MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }()
	client.AddHook(goredismetrics.New(backends.Backend("sessions")))

	_ = client.Get(context.Background(), "session:1").Err()

	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "cache_") {
			fmt.Print(line)
		}
	}
	// Output:
	// cache_failures_total{backend="sessions"} 1
	// cache_gets_total{backend="sessions"} 1
	// cache_hits_total{backend="sessions"} 0
	// cache_misses_total{backend="sessions"} 0
}
