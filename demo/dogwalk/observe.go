package dogwalk

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
)

// newInstrument measures every request, and writes a line about it with the same route, status and duration.
func newInstrument(logger *slog.Logger) (*instrument.Metrics, error) {
	lost := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "access_log_lines_lost_total",
		Help: "Requests of which no line could be written to the log.",
	})
	m, err := instrument.New(instrument.Options{
		Registry: prometheus.NewRegistry(),
		Served: accesslog.New(accesslog.Options{
			Logger:   logger.With("logger", "dogwalk.access"),
			Fields:   accesslog.Combined,
			Level:    accessLevel,
			Skip:     accesslog.Healthy("/metrics", "/health/", "/static/"),
			Failures: lost,
		}),
		Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return m, m.Register("access_log", lost)
}

// accessLevel is error for what is our fault. A form that was filled in wrongly is an ordinary day.
func accessLevel(s instrument.Served) slog.Level {
	if s.Panicked || s.Status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}
