package instrument

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newScrapeHandler may register a counter of its errors on reg.
func newScrapeHandler(reg prometheus.Registerer, opts Options, s *scrapes) (http.Handler, error) {
	var handler http.Handler
	// promhttp panics if the name of its counter is taken by something else.
	err := recovered(func() {
		handler = promhttp.HandlerFor(opts.Gatherer, promhttp.HandlerOpts{
			Registry:            reg,
			ErrorLog:            errorLog{opts.Logger},
			ErrorHandling:       promhttp.ContinueOnError,
			EnableOpenMetrics:   true,
			OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
			MaxRequestsInFlight: opts.MaxScrapes,
		})
	})
	if err != nil {
		return nil, registrationError("promhttp_metric_handler_errors_total", err)
	}
	return readOnly(inTime(handler, s)), nil
}

// inTime answers before the scraper gives up: guarded collectors end a margin before that, and a quarter of it before that
// the answer is 503, should something else hold it up. The rest is for putting the answer together.
func inTime(next http.Handler, s *scrapes) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout := scrapeTimeout(r.Header, s.longest)
		off := margin(timeout)
		deadline := time.Now().Add(timeout - off)
		scrape := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer s.leave(r.Context(), deadline)()
			next.ServeHTTP(w, r)
		})
		late := fmt.Sprintf("The metrics were not collected within %s, because a collector hangs.\n", timeout-off/4)
		http.TimeoutHandler(scrape, timeout-off/4, late).ServeHTTP(w, r)
	})
}

func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "metrics are read by GET", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errorLog is what promhttp logs to.
type errorLog struct{ logger *slog.Logger }

func (l errorLog) Println(v ...any) {
	for _, part := range v {
		if err, ok := part.(error); ok {
			l.logger.Error("metrics could not be served completely", "error", oneLine(err.Error()))
		}
	}
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }
