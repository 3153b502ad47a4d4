// Package instrument is what a service imports to count its own metrics and to measure its HTTP requests.
//
// It stands on client_golang and never goes around it: what is declared here are client_golang's counters, gauges and
// histograms on a registry of yours. There is no global registry, nothing is registered by an import, and nothing
// panics; a declaration that is wrong is an error that is asked for once.
//
// A complete service, whose button counts its clicks:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"io"
//		"net/http"
//		"os"
//
//		"github.com/prometheus/client_golang/prometheus"
//		"github.com/truecount/truecount/instrument"
//		"github.com/truecount/truecount/instrument/worker"
//	)
//
//	func main() {
//		if err := run(); err != nil {
//			fmt.Fprintln(os.Stderr, "clicks:", err)
//			os.Exit(1)
//		}
//	}
//
//	func run() error {
//		m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
//		if err != nil {
//			return err
//		}
//		clicks := m.Counter(prometheus.CounterOpts{
//			Name: "demo_app_button_clicks_total",
//			Help: "Clicks on the button.",
//		})
//		if err := m.Err(); err != nil {
//			return err
//		}
//		mux := http.NewServeMux()
//		mux.Handle("GET /metrics", m.Handler())
//		mux.HandleFunc("POST /click-button", func(w http.ResponseWriter, r *http.Request) {
//			clicks.Inc()
//			io.WriteString(w, "{}")
//		})
//		return worker.Run(context.Background(), worker.Options{
//			Addr:    "127.0.0.1:8000",
//			Handler: m.Middleware(mux),
//			Metrics: m,
//		})
//	}
//
// # What it costs
//
// A request passes one lookup, two atomic additions, a counter and two histograms; it takes no lock and allocates nothing of
// its own, but for one block of memory in 50 requests. BenchmarkRequest measures it beside client_golang's own middleware.
// What the options add costs nothing while they are off: Extended, Trace, native histograms, [Metrics.Outermost].
// An exemplar costs as much as several requests, so each series is given a new one once a second at most.
//
// # What is bounded
//
// Whatever clients send, label values stay few: the route is a pattern of the router and never a path, unknown methods are
// "other", charsets are those of a list, and beyond Options.MaxSeries everything goes to the route "overflow". What handlers
// say is bounded as well: templates beyond a hundred are "overflow", types of panics beyond a hundred "other".
//
// Metrics of your own have at most Options.MaxSeriesPerMetric series each; what is beyond it is counted in one series,
// "overflow" ([CounterVec]). Collectors have until shortly before the scraper gives up, run once at a time, and
// what they do wrong is dropped and counted ([Metrics.Register]): a scrape is answered in time, without old values.
package instrument
