package servicewindow

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/demo/servicewindow/store"
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
	opts    Options
	log     *slog.Logger
	store   *store.Store
	page    *template.Template
	metrics *instrument.Metrics
	static  http.Handler
	// hopeless gets an error of the database that waiting does not help against.
	hopeless chan error
}

// New makes the application with metrics of its own. It does not ask the database, which may not have started yet: that
// begins with [App.ExportWindows].
func New(opts Options) (*App, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	a := &App{opts: opts, log: opts.Logger, hopeless: make(chan error, 1)}
	own, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	a.static = service.Static(own)
	if a.page, err = parsePage(); err != nil {
		return nil, err
	}
	if a.metrics, err = instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Logger: opts.Logger}); err != nil {
		return nil, err
	}
	a.store, err = store.New(opts.Database)
	return a, err
}

// prepare asks the database once, and gives the error away that nobody needs to try again.
func (a *App) prepare(ctx context.Context) error {
	err := a.store.Prepare(ctx)
	if err != nil && database.Hopeless(err) {
		select {
		case a.hopeless <- err:
		default:
		}
	}
	return err
}

// Close closes the database.
func (a *App) Close() error { return a.store.Close() }

// Metrics serves what this process has counted, and the windows.
func (a *App) Metrics() http.Handler { return a.metrics.Handler() }

// Handler serves the application.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.showComponents)
	mux.HandleFunc("GET /components.json", a.listComponents)
	mux.HandleFunc("POST /components", a.addComponent)
	mux.HandleFunc("POST /components/{id}/delete", a.deleteComponent)
	mux.HandleFunc("GET /health/", a.health)
	mux.Handle("GET /static/", a.static)
	if !a.opts.MetricsApart {
		mux.Handle("GET /metrics", a.metrics.Handler())
	}
	return a.metrics.Middleware(service.Secure(mux))
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

func (a *App) deleteComponent(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		id = 0 // which nothing has
	}
	if err := a.store.Delete(ctx, id); err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// fail answers with the page that fits the error: what the visitor can't know is logged.
func (a *App) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		a.show(w, http.StatusNotFound, "message", message{"Not found", "There is no such component. It may have been deleted."})
	case errors.Is(err, store.ErrNotReady):
		a.show(w, http.StatusServiceUnavailable, "message", message{"Not ready yet", "The database has not answered yet. This page works as soon as it does."})
	case errors.Is(err, errTooLarge):
		a.show(w, http.StatusRequestEntityTooLarge, "message", message{"Too much", "That was more than a form of this page can hold."})
	case r.Context().Err() != nil:
		// The visitor has left.
	default:
		a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		a.show(w, http.StatusServiceUnavailable, "message", message{"That did not work", "The database does not answer. Nothing was saved; please try again."})
	}
}

// message is a page with only a few words.
type message struct{ Title, Text string }

func (a *App) show(w http.ResponseWriter, status int, name string, data any) {
	if err := service.Render(w, status, a.page, name, data); err != nil {
		a.log.Warn("page not sent", "page", name, "err", err)
	}
}
