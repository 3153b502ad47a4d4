package endpoint

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/truecount/truecount/instrument"
)

// DefaultAddr is where metrics are served if nothing is said: on the loopback interface, on the port that
// OpenTelemetry's Prometheus exporter has.
const DefaultAddr = "127.0.0.1:9464"

// Options of [Run]. Only Metrics or Handler is needed.
type Options struct {
	// Metrics are what is served, and get metrics of the endpoint's own limits (instrument_endpoint_…).
	Metrics *instrument.Metrics
	// Handler takes the place of Metrics' handler. Without Metrics the endpoint has no metrics of its own. Default:
	// Metrics.Handler().
	Handler http.Handler
	// Addr is listened on. Port 0 takes a free one, see OnReady. Default: [DefaultAddr].
	Addr string
	// Listener takes the place of Addr. Run closes it.
	Listener net.Listener
	// Path is where the metrics are. Default: "/metrics".
	Path string
	// Serve serves the listener in place of [http.Server.Serve]. It may wrap the server's handler and set its TLS
	// configuration, and returns when the server is shut down. Default: plain HTTP.
	Serve func(*http.Server, net.Listener) error
	// OnReady is called once, when the listener is open. Optional.
	OnReady func(addr net.Addr)

	// MaxConnections is how many connections are open at a time. Default: 256.
	MaxConnections int
	// MaxRequests is how many requests are served at a time; more are answered 503. With HTTP/2 it is also what one
	// connection may ask for at a time. Default: 16.
	MaxRequests int
	// MaxHeaderBytes bounds the headers of a request, its first line included. Default: 16 KiB.
	MaxHeaderBytes int
	// ReadHeaderTimeout is how long the headers of a request may take. Default: 5 s.
	ReadHeaderTimeout time.Duration
	// WriteTimeout is how long an answer may take, from the end of the request's headers. Default: 30 s.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection stays open between requests. Default: 2 min.
	IdleTimeout time.Duration
	// ShutdownTimeout is how long the answers under way may still take when Run ends. Default: 5 s.
	ShutdownTimeout time.Duration

	// Logger is told of start and failures. Default: that of Metrics.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	if o.Handler == nil && o.Metrics != nil {
		o.Handler = o.Metrics.Handler()
	}
	if o.Handler == nil {
		return o, errors.New("endpoint.Options has neither Metrics nor Handler")
	}
	if o.MaxConnections < 0 || o.MaxRequests < 0 || o.MaxHeaderBytes < 0 ||
		o.ReadHeaderTimeout < 0 || o.WriteTimeout < 0 || o.IdleTimeout < 0 || o.ShutdownTimeout < 0 {
		return o, errors.New("limits and time-outs in endpoint.Options must not be negative")
	}
	if o.Path == "" {
		o.Path = "/metrics"
	}
	if o.Path[0] != '/' {
		return o, errors.New("endpoint.Options.Path must begin with a slash")
	}
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	orInt(&o.MaxConnections, 256)
	orInt(&o.MaxRequests, 16)
	orInt(&o.MaxHeaderBytes, 16<<10)
	orTime(&o.ReadHeaderTimeout, 5*time.Second)
	orTime(&o.WriteTimeout, 30*time.Second)
	orTime(&o.IdleTimeout, 2*time.Minute)
	orTime(&o.ShutdownTimeout, 5*time.Second)
	if o.Logger == nil {
		o.Logger = o.Metrics.Logger()
	}
	return o, nil
}

func orInt(value *int, otherwise int) {
	if *value == 0 {
		*value = otherwise
	}
}

func orTime(value *time.Duration, otherwise time.Duration) {
	if *value == 0 {
		*value = otherwise
	}
}
