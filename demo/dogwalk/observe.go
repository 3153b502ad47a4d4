package dogwalk

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
	"github.com/truecount/truecount/instrument/contrib/webconfig"
)

// newInstrument measures every request, and writes a line about it with the same route, status and duration.
func newInstrument(logger *slog.Logger) (*instrument.Metrics, error) {
	lost := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "access_log_lines_lost_total",
		Help: "Requests of which no line could be written to the log.",
	})
	registry := prometheus.NewRegistry()
	if err := registry.Register(lost); err != nil {
		return nil, err
	}
	return instrument.New(instrument.Options{
		Registry: registry,
		Extended: true,
		Trace:    instrument.Traceparent,
		Served: accesslog.New(accesslog.Options{
			Logger:   logger.With("logger", "dogwalk.access"),
			Fields:   accesslog.Combined,
			Level:    accessLevel,
			Skip:     accesslog.Healthy("/metrics", "/health/", "/static/"),
			Failures: lost,
		}),
		Logger: logger,
	})
}

// accessLevel is error for what is our fault. A form that was filled in wrongly is an ordinary day.
func accessLevel(s instrument.Served) slog.Level {
	if s.Panicked || s.Status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// guarded serves the metrics to those who know a password of the web configuration file, and to anybody if there is none.
func guarded(m *instrument.Metrics, opts Options) (http.Handler, error) {
	if opts.MetricsWebConfig == "" {
		return m.Handler(), nil
	}
	web, err := webconfig.New(webconfig.Options{File: opts.MetricsWebConfig, Metrics: m, Logger: opts.Logger})
	if err != nil {
		return nil, err
	}
	return web.Handler(m.Handler())
}
