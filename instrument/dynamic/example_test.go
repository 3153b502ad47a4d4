package dynamic_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/dynamic"
)

// Each component of a table, here a slice, has metrics of its own, and the table may change at any time.
func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	type component struct {
		name, team string
		inWindow   float64
	}
	components := []component{{"web-shop", "sales", 1}, {"billing", "finance", 0}}

	ready := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := dynamic.Run(ctx, m, dynamic.Options{
			Name:    "components",
			Ready:   func(context.Context) error { return nil }, // for instance db.PingContext
			OnReady: func() { close(ready) },
			Collect: func(ctx context.Context, yield func(dynamic.Sample)) error {
				for _, c := range components {
					yield(dynamic.Sample{
						Name:   c.name + "_in_window",
						Help:   "Whether the component is in its service window.",
						Labels: map[string]string{"team": c.team},
						Value:  c.inWindow,
					})
				}
				return nil
			},
		}); err != nil {
			fmt.Println(err)
		}
	})
	<-ready
	for line := range strings.Lines(metrics(m)) {
		if strings.Contains(line, "_in_window{") {
			fmt.Print(line)
		}
	}
	cancel()
	running.Wait()
	fmt.Println("exposed after the end:", strings.Contains(metrics(m), "_in_window{"))
	// Output:
	// billing_in_window{team="finance"} 0
	// web_shop_in_window{team="sales"} 1
	// exposed after the end: false
}

func metrics(m *instrument.Metrics) string {
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return rec.Body.String()
}
