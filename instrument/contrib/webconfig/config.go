package webconfig

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/truecount/truecount/instrument"
)

// Options of [New]. Only File is needed.
type Options struct {
	// File is the web configuration file. Paths in it are relative to its folder.
	File string
	// AllowAnonymous allows a file that authenticates nobody, for instance one that only has TLS or headers.
	AllowAnonymous bool
	// Metrics gets metrics of what this package does. Default: nobody.
	Metrics *instrument.Metrics
	// Logger is told when the file becomes bad or good. Default: that of Metrics.
	Logger *slog.Logger
}

// Config is one web configuration file in use. Make it with [New]; its methods may be called concurrently.
type Config struct {
	file    *file
	metrics *metrics
	logger  *slog.Logger
}

// New reads and checks the file. It fails where exporter-toolkit refuses the file. Whether somebody is asked for a password or a
// certificate depends on where the file is used: [Config.Handler] and [Config.Serve] check that, and [Config.Authenticates] tells.
func New(opts Options) (*Config, error) {
	if opts.File == "" {
		return nil, errors.New("no web configuration file is given: set webconfig.Options.File")
	}
	if opts.Logger == nil {
		opts.Logger = opts.Metrics.Logger()
	}
	if err := web.Validate(opts.File); err != nil {
		return nil, refused(opts.File, err)
	}
	c := &Config{file: &file{path: opts.File, anonymous: opts.AllowAnonymous, logger: opts.Logger}, logger: opts.Logger}
	state := c.file.read()
	if state.problem != nil {
		return nil, state.problem
	}
	var err error
	if c.metrics, err = newMetrics(opts.Metrics, c.file); err != nil {
		return nil, err
	}
	return c, nil
}

// Handler returns next behind the file's passwords, rate limit and headers. TLS is a matter of whole connections: a
// file with TLS is for [Config.Serve], and refused here.
func (c *Config) Handler(next http.Handler) (http.Handler, error) {
	state := c.file.read()
	switch {
	case state.problem != nil:
		return nil, state.problem
	case state.tls:
		return nil, fmt.Errorf("the web configuration file %s has tls_server_config, which a handler on a port of the application can't give: "+
			"serve the metrics on a listener of their own (webconfig.Config.Serve), or use a file without it", c.file.path)
	case !c.file.authenticates(state, false):
		return nil, c.file.nobodyAsked()
	}
	server, err := c.set(next, nil, false)
	if err != nil {
		return nil, err
	}
	return server.Handler, nil
}

// TLS says whether clients reach by https what [Config.Serve] serves: whether the file has TLS now.
func (c *Config) TLS() bool { return c.file.read().tls }

// Authenticates says whether [Config.Serve] asks everyone for a password or a certificate, as the file is now, or need not
// because of Options.AllowAnonymous.
func (c *Config) Authenticates() bool { return c.file.authenticates(c.file.read(), true) }

// Serve serves the listener as the file says, with TLS if the file has it, until the server is shut down or closed;
// the error is that of [http.Server.Serve]. It sets the server's handler and TLS configuration, and leaves its limits
// as they are.
//
// It is made for Serve of package endpoint's Options.
func (c *Config) Serve(server *http.Server, l net.Listener) error {
	state := c.file.read()
	if state.problem != nil {
		return state.problem
	}
	if !c.file.authenticates(state, true) {
		return c.file.nobodyAsked()
	}
	if server.Handler == nil {
		return errors.New("the server has no handler")
	}
	set, err := c.set(server.Handler, server.Protocols, true)
	if err != nil {
		return err
	}
	server.Handler = set.Handler
	if !hasTLS(set) {
		return server.Serve(l)
	}
	server.TLSConfig = set.TLSConfig
	if len(set.TLSNextProto) == 0 {
		server.TLSNextProto = set.TLSNextProto // the file says no HTTP/2
	}
	return server.ServeTLS(l, "", "")
}

// set lets exporter-toolkit set up a server, and returns it with the guard around its handler. The toolkit has no way
// but to serve a listener; this one has nothing to serve.
func (c *Config) set(next http.Handler, protocols *http.Protocols, ownListener bool) (*http.Server, error) {
	g := &guard{file: c.file, metrics: c.metrics, ownListener: ownListener, lanes: newLanes()}
	server := &http.Server{Handler: g.passed(next), Protocols: protocols}
	noSocket := false
	flags := &web.FlagConfig{WebConfigFile: &c.file.path, WebSystemdSocket: &noSocket}
	if err := web.Serve(nothing{}, server, flags, slog.New(slog.DiscardHandler)); !errors.Is(err, net.ErrClosed) {
		return nil, refused(c.file.path, err)
	}
	g.toolkit = server.Handler
	server.Handler = g
	if hasTLS(server) {
		withoutResumption(server.TLSConfig)
	}
	return server, nil
}

// nothing is a listener that is closed.
type nothing struct{}

func (nothing) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (nothing) Close() error              { return nil }
func (nothing) Addr() net.Addr            { return &net.TCPAddr{} }
