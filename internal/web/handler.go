package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are the settings of [New]. The zero value serves the pages of a Prometheus without applications.
type Options struct {
	// Live is the running chain; nil: there are no applications, and / leads to /query.
	Live Live
	// Hosts are further names, without ports, under which browsers may reach this address, besides IP addresses and
	// localhost: those of a reverse proxy. "*" allows every name, which leaves DNS rebinding to something in front.
	Hosts []string
	// Version is shown at the foot of the pages.
	Version string
	// Interval is the time between two snapshots of a live stream; 0: 250 ms.
	Interval time.Duration
	// MaxStreams bounds the live streams at a time, each an open page; 0: 32.
	MaxStreams int
	// MaxActions bounds the requests under way that do something (try, kill); 0: 32.
	MaxActions int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Logger gets what was done (a worker killed) and what failed; nil: discarded.
	Logger *slog.Logger
	// Registerer gets the metrics truecount_web_…; nil: they are not registered.
	Registerer prometheus.Registerer
}

func (o Options) withDefaults() (Options, error) {
	if o.Interval < 0 || o.MaxStreams < 0 || o.MaxActions < 0 {
		return o, fmt.Errorf("web: interval (%v), streams (%d) and actions (%d) must not be negative", o.Interval, o.MaxStreams, o.MaxActions)
	}
	if o.Interval == 0 {
		o.Interval = 250 * time.Millisecond
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = 32
	}
	if o.MaxActions == 0 {
		o.MaxActions = 32
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// Handler serves the pages and their API. Make one with [New].
type Handler struct {
	opts    Options
	metrics *metrics
	routes  http.Handler
	streams chan struct{} // a token per live stream
	actions chan struct{} // a token per action under way
	latest  latest
	closed  chan struct{}
	close   sync.Once
}

// New returns the handler of / and of everything below it that this package's documentation lists. Mount Prometheus'
// /api/v1 beside it, and wrap both in [CheckHost].
func New(opts Options) (*Handler, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	pages, err := newPages(opts.Live != nil)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(opts.Registerer)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		opts:    opts,
		metrics: m,
		streams: make(chan struct{}, opts.MaxStreams),
		actions: make(chan struct{}, opts.MaxActions),
		closed:  make(chan struct{}),
	}
	mux := http.NewServeMux()
	pages.register(mux)
	h.registerAPI(mux)
	h.routes = CheckHost(opts.Hosts, secured(mux))
	return h, nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.routes.ServeHTTP(w, r) }

// Close ends the live streams, which otherwise last as long as somebody watches, and refuses new ones. Give it to
// [http.Server.RegisterOnShutdown]: Shutdown waits for open requests and does not end them.
func (h *Handler) Close() { h.close.Do(func() { close(h.closed) }) }
