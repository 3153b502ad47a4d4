package clicks

import (
	"embed"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/instrument"
)

//go:embed templates static
var files embed.FS

// An App answers the requests of one worker process.
type App struct {
	opts    Options
	log     *slog.Logger
	page    *template.Template
	metrics *instrument.Metrics
	clicks  prometheus.Counter
	static  http.Handler
}

// New makes the application with metrics of its own.
func New(opts Options) (*App, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	page, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	own, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	metrics, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Logger: opts.Logger})
	if err != nil {
		return nil, err
	}
	app := &App{opts: opts, log: opts.Logger, page: page, metrics: metrics, static: service.Static(own)}
	app.clicks = metrics.Counter(prometheus.CounterOpts{
		Name: "demo_app_button_clicks_total",
		Help: "How often the button was hit.",
	})
	return app, metrics.Err()
}

// Metrics serves what this process has counted.
func (a *App) Metrics() http.Handler { return a.metrics.Handler() }

// Handler serves the application.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.showPage)
	mux.HandleFunc("POST /click-button", a.click)
	mux.HandleFunc("GET /health/", a.health)
	mux.Handle("GET /static/", a.static)
	if !a.opts.MetricsApart {
		mux.Handle("GET /metrics", closing(a.metrics.Handler()))
	}
	return a.metrics.Middleware(service.Secure(mux))
}

// closing ends the connection with each answer, as servers do that keep none (gunicorn's sync workers): of several
// processes each scrape then reaches another, and nobody takes one of them for all.
func closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

func (a *App) showPage(w http.ResponseWriter, r *http.Request) {
	if err := service.Render(w, http.StatusOK, a.page, "page.html", a.opts.Environment); err != nil {
		a.log.Warn("page not sent", "err", err)
	}
}

func (a *App) click(w http.ResponseWriter, r *http.Request) {
	a.clicks.Inc()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Worker-Pid", strconv.Itoa(os.Getpid()))
	if a.opts.Replica != "" {
		h.Set("Replica", a.opts.Replica)
	}
	// A browser would keep the connection, and with it the worker: so the next click may reach another.
	h.Set("Connection", "close")
	io.WriteString(w, "{}")
}

func (a *App) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "ok\n")
}
