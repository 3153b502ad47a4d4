package latency

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/instrument"
)

//go:embed templates static
var files embed.FS

// An App answers the requests of one worker process.
type App struct {
	opts     Options
	log      *slog.Logger
	breakage fileSwitch
	page     *template.Template
	metrics  *instrument.Metrics
	uptime   prometheus.Counter
	static   http.Handler
}

// New makes the application with metrics of its own.
func New(opts Options) (*App, error) {
	opts = opts.withDefaults()
	if err := opts.Shape.check(); err != nil {
		return nil, err
	}
	page, err := template.New("").Funcs(template.FuncMap{
		"ago":   func(t time.Time) string { return opts.Now().Sub(t).Round(time.Second).String() },
		"short": short,
	}).ParseFS(files, "templates/*.html")
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
	app := &App{opts: opts, log: opts.Logger, breakage: fileSwitch{opts.BreakFile}, page: page, metrics: metrics, static: service.Static(own)}
	app.uptime = metrics.Counter(prometheus.CounterOpts{
		Name: "service_uptime_seconds_total",
		Help: "Seconds for which the service has been up.",
	})
	return app, metrics.Err()
}

// Metrics serves what this process has counted.
func (a *App) Metrics() http.Handler { return a.metrics.Handler() }

// Handler serves the application.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.answer)
	mux.HandleFunc("POST /break", a.breakIt)
	mux.HandleFunc("POST /repair", a.repair)
	mux.HandleFunc("GET /broken", a.showBroken)
	mux.HandleFunc("GET /health/", a.health)
	mux.Handle("GET /static/", a.static)
	// Also where the workers have endpoints of their own: what one sees here is the share of the worker that answers.
	mux.Handle("GET /metrics", a.metrics.Handler())
	return a.metrics.Middleware(service.Secure(mux))
}

// health answers 200 also while the service is broken on purpose: to start it again would not repair it.
func (a *App) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "ok\n")
}

// broken is what the switch says. If it cannot be read, nothing is broken on purpose.
func (a *App) broken() Breakage {
	b, err := a.breakage.read()
	if err != nil {
		a.log.Warn("the switch cannot be read", "err", err)
	}
	return b
}

// respondIn chooses how long an answer takes, and whether it is an error.
func (a *App) respondIn(b Breakage) (takes time.Duration, fails bool) {
	slowdown := 1.0
	if b.Slow {
		slowdown = float64(a.opts.Slowdown)
	}
	return a.opts.Shape.at(rand.NormFloat64(), slowdown), b.Failing && rand.IntN(100) < a.opts.ErrorPercent
}

// short writes a response time as people say it.
func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
