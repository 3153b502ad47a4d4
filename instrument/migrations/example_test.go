package migrations_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/migrations"
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

func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Usually a question to the database: SELECT count(*) FROM versions.
	count := func(ctx context.Context) (applied, unapplied int, err error) { return 5, 1, nil }
	if err := migrations.Register(m, "default", count); err != nil {
		fmt.Println(err)
		return
	}
	printMetrics(m.Handler(), "migrations_")
	// Output:
	// migrations_applied{connection="default"} 5
	// migrations_unapplied{connection="default"} 1
}
