package instrument

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newScrapeHandler may register a counter of its errors on reg.
func newScrapeHandler(reg prometheus.Registerer, opts Options) (handler http.Handler, err error) {
	// promhttp panics if the name of its counter is taken by something else.
	err = recovered(func() {
		handler = promhttp.HandlerFor(opts.Gatherer, promhttp.HandlerOpts{
			Registry:            reg,
			ErrorLog:            errorLog{opts.Logger},
			ErrorHandling:       promhttp.ContinueOnError,
			EnableOpenMetrics:   true,
			OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
			MaxRequestsInFlight: opts.MaxScrapes,
			Timeout:             opts.ScrapeTimeout,
		})
	})
	if err != nil {
		return nil, registrationError("promhttp_metric_handler_errors_total", err)
	}
	return readOnly(handler), nil
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
			l.logger.Error("metrics could not be served completely", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}
