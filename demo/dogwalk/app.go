package dogwalk

import (
	"context"
	"embed"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/truecount/truecount/demo/dogwalk/store"
	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/instrument"
)

//go:embed templates static
var files embed.FS

const (
	patience       = 5 * time.Second        // how long a page waits for the database
	healthPatience = 500 * time.Millisecond // below the second after which a probe gives up
)

// An App answers the requests of one worker process.
type App struct {
	opts       Options
	log        *slog.Logger
	store      *store.Store
	pages      pages
	instrument *instrument.Metrics
	metrics    *metrics
	scrapes    http.Handler // /metrics, with a password if there is one
	static     http.Handler
}

// New opens the database and makes the application with metrics of its own.
func New(ctx context.Context, opts Options) (*App, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Bounds == (Bounds{}) {
		opts.Bounds = defaultBounds
	}
	a := &App{opts: opts, log: opts.Logger}
	own, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	a.static = service.Static(own)
	if a.pages, err = parsePages(opts.Now); err != nil {
		return nil, err
	}
	if a.instrument, err = newInstrument(opts.Logger); err != nil {
		return nil, err
	}
	if a.scrapes, err = guarded(a.instrument, opts); err != nil {
		return nil, err
	}
	if a.metrics, err = newMetrics(a.instrument, opts.Bounds); err != nil {
		return nil, err
	}
	if a.store, err = store.Open(ctx, store.Options{Address: opts.Database, Now: opts.Now, Metrics: a.instrument, Logger: opts.Logger}); err != nil {
		return nil, err
	}
	newest, err := a.store.NewestStart(ctx)
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	a.metrics.newest.seen(newest)
	return a, nil
}

// Close closes the database.
func (a *App) Close() error { return a.store.Close() }

// Metrics serves what this process has counted, without a password.
func (a *App) Metrics() http.Handler { return a.instrument.Handler() }

// Handler serves the application.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /{$}":                  a.showOverview,
		"GET /walks/start":          a.showStart,
		"POST /walks/start":         a.startWalk,
		"GET /walks/{id}/complete":  a.showComplete,
		"POST /walks/{id}/complete": a.completeWalk,
		"GET /walks/{id}/status":    a.walkStatus,
		"GET /kennel":               a.showKennel,
		"GET /kennel.json":          a.listKennel,
		"POST /dogs":                a.addDog,
		"POST /walkers":             a.addWalker,
		"POST /dogs/{id}/delete":    a.deleteDog,
		"POST /walkers/{id}/delete": a.deleteWalker,
		"GET /alerts":               a.showAlerts,
		"POST /alerts/long-walks":   a.walkFar,
		"POST /alerts/close":        a.closeKennel,
		"POST /alerts/open":         a.openKennel,
		"GET /health/":              a.health,
	} {
		mux.HandleFunc(pattern, handle)
	}
	mux.Handle("GET /static/", a.static)
	if !a.opts.MetricsApart {
		mux.Handle("GET /metrics", a.scrapes)
	}
	return a.instrument.Outermost(service.Secure(a.instrument.Middleware(mux)))
}

// health answers 200 when the database does, and 503 with a word why when it does not.
func (a *App) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthPatience)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := a.store.Ping(ctx); err != nil {
		a.log.Warn("the database does not answer", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "the database does not answer\n")
		return
	}
	io.WriteString(w, "ok\n")
}

// id is the number in the path, or 0, which nothing has.
func id(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// fail answers with the page that fits the error: what the visitor can't know is logged.
func (a *App) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		a.show(w, http.StatusNotFound, "message", message{"Not found", "There is nothing here under that number. It may have been deleted."})
	case errors.Is(err, store.ErrAlreadyComplete):
		a.show(w, http.StatusBadRequest, "message", message{"Already complete", "This walk has been completed before. It can be completed only once."})
	case errors.Is(err, errTooLarge):
		a.show(w, http.StatusRequestEntityTooLarge, "message", message{"Too much", "That was more than a form of this page can hold."})
	case r.Context().Err() != nil:
		// The visitor has left.
	default:
		a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		a.show(w, http.StatusInternalServerError, "message", message{"That did not work", "The database did not do its work. Nothing was saved; please try again."})
	}
}

// message is a page with only a few words.
type message struct{ Title, Text string }
