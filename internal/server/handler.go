package server

import (
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/util/httputil"
)

// maxForm bounds the body of a request: queries are posted as forms, remote reads as small messages.
const maxForm = 10 << 20

func (s *Server) newHandler() http.Handler {
	api := route.New().WithInstrumentation(s.instrumentAPI)
	s.newAPI().Register(api)
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", http.StripPrefix("/api/v1", api))
	handle := func(path string, h http.HandlerFunc) {
		mux.Handle(path, s.instrument(path, h))
	}
	handle("/federate", getOnly(s.whenReady(httputil.CompressionHandler{Handler: http.HandlerFunc(s.federate)}.ServeHTTP)))
	handle("/metrics", getOnly(promhttp.HandlerFor(s.opts.Gatherer, promhttp.HandlerOpts{
		Registry:            s.reg,
		MaxRequestsInFlight: 40,
		EnableOpenMetrics:   true,
	}).ServeHTTP))
	handle("/-/healthy", getOnly(says("Prometheus Server is Healthy.\n")))
	handle("/-/ready", getOnly(s.whenReady(says("Prometheus Server is Ready.\n"))))
	handle("/-/reload", s.serveReload)
	return s.bounded(mux)
}

// bounded ends every request when the server stops, and reads no endless bodies.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, done := s.gate.untilStop(r.Context())
		defer done()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// serveReload answers in Prometheus' words, which scripts and reloaders look for.
func (s *Server) serveReload(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		w.WriteHeader(http.StatusMethodNotAllowed)
		io.WriteString(w, "Only POST or PUT requests allowed")
	case !s.opts.EnableLifecycle:
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "Lifecycle API is not enabled.")
	default:
		s.whenReady(func(w http.ResponseWriter, _ *http.Request) {
			if err := s.Reload(); err != nil {
				http.Error(w, fmt.Sprintf("failed to reload config: %s", err), http.StatusInternalServerError)
			}
		})(w, r)
	}
}

func getOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Only GET or HEAD requests allowed", http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	}
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, text)
	}
}

// instrumentAPI is called once per route of the API, whose pattern is the label: paths hold label names.
func (s *Server) instrumentAPI(pattern string, next http.HandlerFunc) http.HandlerFunc {
	return s.instrument("/api/v1"+pattern, next).ServeHTTP
}

func (s *Server) instrument(handler string, next http.Handler) http.Handler {
	label := prometheus.Labels{"handler": handler}
	return promhttp.InstrumentHandlerDuration(s.metrics.requestDuration.MustCurryWith(label),
		promhttp.InstrumentHandlerCounter(s.metrics.requests.MustCurryWith(label), next))
}
