package endpoint

import (
	"html"
	"io"
	"log/slog"
	"net/http"
)

// handler is what the listener serves, within its limits.
type handler struct {
	metrics http.Handler
	path    string
	places  chan struct{}
	refused *refusals
	logger  *slog.Logger
}

func newHandler(opts Options, refused *refusals) http.Handler {
	return &handler{
		metrics: opts.Handler, path: opts.Path, places: make(chan struct{}, opts.MaxRequests), refused: refused, logger: opts.Logger,
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.refused.method.Add(1)
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, "metrics are read by GET", http.StatusMethodNotAllowed)
		return
	}
	if r.ContentLength != 0 {
		h.refused.body.Add(1)
		refuse(w, "a request for metrics has no body", http.StatusRequestEntityTooLarge)
		return
	}
	switch r.URL.Path {
	case h.path:
		h.serve(w, r)
	case "/":
		h.welcome(w)
	default:
		http.NotFound(w, r)
	}
}

// refuse answers a request that has a body, or may have one, and does not wait for it.
func refuse(w http.ResponseWriter, reason string, status int) {
	w.Header().Set("Connection", "close")
	http.Error(w, reason, status)
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		h.refused.busy.Add(1)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
		return
	}
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p != http.ErrAbortHandler {
			h.logger.Error("the metrics handler panicked", "panic", p)
		}
		panic(http.ErrAbortHandler) // net/http ends the connection: half an answer must not look whole
	}()
	h.metrics.ServeHTTP(w, r)
}

func (h *handler) welcome(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	path := html.EscapeString(h.path)
	_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>Metrics</title>`+
		`<p>This address serves <a href="`+path+`">metrics</a> for Prometheus.</p></html>`+"\n")
}
