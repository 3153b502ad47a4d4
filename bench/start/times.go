package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
	"github.com/truecount/truecount/bench/internal/machine"
	"github.com/truecount/truecount/bench/internal/up"
)

// start is what one start took, from exec.
type start struct{ ready, chart time.Duration }

// metric is the one whose chart is awaited; drawn is how many samples make a line.
const (
	metric = `demo_app_button_clicks_total{service="clicks"}`
	drawn  = 2
)

// every is how often a starting server is asked: the resolution of the times.
const every = 10 * time.Millisecond

func ourStart(ctx context.Context, u *up.Up) (start, error) {
	at, err := awaitChart(ctx, u.URL)
	return start{u.ReadyAfter, at.Sub(u.Started)}, err
}

// awaitChart waits until the API at address has a line to draw.
func awaitChart(ctx context.Context, address string) (time.Time, error) {
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	return up.Await(ctx, every, "two samples of "+metric, func() (bool, error) {
		n, err := up.Samples(ctx, client, address, metric)
		return n >= drawn, err
	})
}

// reportStarts prints medians side by side.
func reportStarts(out io.Writer, ours, theirs []start) error {
	fmt.Fprintf(out, "start, median of %d (fastest; 9 of 10 within), load %s\n", len(ours), machine.Load())
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\ttruecount up\tPrometheus alone\tratio")
	for _, row := range []struct {
		name string
		of   func(start) time.Duration
	}{
		{"exec → ready", func(s start) time.Duration { return s.ready }},
		{"exec → first chart", func(s start) time.Duration { return s.chart }},
	} {
		column := func(starts []start) (values []time.Duration) {
			for _, s := range starts {
				values = append(values, row.of(s))
			}
			return values
		}
		cell := func(values []time.Duration) string {
			if len(values) == 0 {
				return "–"
			}
			return fmt.Sprintf("%s (%s; %s)", figures.Millis(figures.Median(values)), figures.Millis(figures.Quantile(0, values)), figures.Millis(figures.Quantile(0.9, values)))
		}
		a, b := column(ours), column(theirs)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.name, cell(a), cell(b), ratio(figures.Median(a), figures.Median(b)))
	}
	return table.Flush()
}

// ratio is ours to theirs.
func ratio[N figures.Number](ours, theirs N) string {
	if theirs == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", float64(ours)/float64(theirs))
}
