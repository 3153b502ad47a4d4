package worker

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/truecount/truecount/instrument"
)

// Options of [Run]. Handler is needed, and Metrics or MetricsHandler where the environment asks for a metrics endpoint.
type Options struct {
	// Handler is the application.
	Handler http.Handler
	// Metrics are the worker's own: what its metrics endpoint serves, and where the worker itself registers what it
	// has to say (worker_…).
	Metrics *instrument.Metrics
	// MetricsHandler takes the place of Metrics' handler at the metrics endpoint, for instance one that asks for a
	// password. Without Metrics, the worker's own metrics are not exposed. Default: Metrics.Handler().
	MetricsHandler http.Handler
	// Addr is listened on when the environment hands over no socket, for instance "127.0.0.1:8000".
	Addr string
	// Listener takes the place of Addr and of a socket handed over. Run closes it.
	Listener net.Listener
	// OnReady is called once, when the application and the metrics endpoint are being served;
	// addr is the application's. Optional.
	OnReady func(addr net.Addr)

	// MaxConnections is how many connections to the application may be open at once. Past it a new one takes the place of that
	// which has waited longest without a request being served, so that idle clients shut out nobody.
	// Default: 10,000, or three quarters of the files that the process may open if that is less.
	MaxConnections int
	// IdleGrace is how long a connection without a request stays open after draining began, because a
	// request may be on its way in it. Default: 3 s.
	IdleGrace time.Duration
	// DrainTimeout is how long draining may take as a whole; then requests still running are cut off,
	// which is an error. Default: 30 s.
	DrainTimeout time.Duration
	// HandoverTimeout is how long the metrics endpoint of a drained worker waits for the one reading
	// that takes the last totals. Default: 1 s.
	HandoverTimeout time.Duration

	// Logger is told of start, drain and end. Default: that of Metrics.
	Logger *slog.Logger

	// rangePatience bounds each of the two steps of a worker that found no port: looking whose the ports are, and
	// telling one of them. It is short, because whoever started the worker may take one that lives for a second for ready.
	rangePatience time.Duration
}

func (o Options) withDefaults(env environment) Options {
	if o.MetricsHandler == nil && o.Metrics != nil {
		o.MetricsHandler = o.Metrics.Handler()
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = defaultConnections()
	}
	if o.IdleGrace == 0 {
		o.IdleGrace = 3 * time.Second
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 30 * time.Second
	}
	if o.HandoverTimeout == 0 {
		o.HandoverTimeout = time.Second
	}
	if o.rangePatience == 0 {
		o.rangePatience = 250 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = o.Metrics.Logger()
	}
	o.Logger = o.Logger.With("pid", os.Getpid())
	if env.replica != "" {
		o.Logger = o.Logger.With("replica", env.replica, "worker", env.worker)
	}
	return o
}
