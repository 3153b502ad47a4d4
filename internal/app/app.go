package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/server"
	"github.com/truecount/truecount/internal/web"
)

// App is the whole chain in one process. Its methods may be called concurrently.
type App struct {
	options  Options
	logger   *slog.Logger
	listener net.Listener
	http     *http.Server
	pages    *web.Handler
	server   *server.Server
	services []*service
	live     *live // nil without applications

	release  []func() error // what New took, undone last in, first out
	answers  chan struct{}  // closed when the database answers
	ready    chan struct{}
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
}

// New checks the options, takes the data directory, opens the database and binds every address. Nothing runs before
// [App.Run]; an App that is not run is given up with [App.Close].
func New(options Options) (*App, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	a := &App{
		options: options,
		logger:  options.Logger,
		answers: make(chan struct{}),
		ready:   make(chan struct{}),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if err := a.setup(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// setup is one straight line: what comes later needs what came before.
func (a *App) setup() error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	listener, err := listen(a.options.Listen, a.options.AnyPort, a.logger)
	if err != nil {
		return err
	}
	a.listener = listener
	a.release = append(a.release, listener.Close)

	configFile, dataDir := a.options.ConfigFile, a.options.DataDir
	if len(a.options.Applications) > 0 {
		if configFile, dataDir, err = a.prepareServices(registry); err != nil {
			return err
		}
	}
	a.server, err = server.New(server.Options{
		ConfigFile:        configFile,
		DataDir:           dataDir,
		Retention:         server.Retention{Time: a.options.Local.Retention.Std()},
		ExternalURL:       a.externalURL(),
		EnableLifecycle:   a.options.EnableLifecycle,
		DiscoveryInterval: a.discoveryInterval(),
		Logger:            a.logger,
		Registerer:        registry,
		Gatherer:          registry,
	})
	if err != nil {
		return err
	}
	a.release = append(a.release, a.server.Close)

	handler, err := a.handler(registry)
	if err != nil {
		return err
	}
	a.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelDebug),
	}
	return nil
}

// prepareServices takes the data directory, makes the services and writes the configuration that scrapes them.
func (a *App) prepareServices(registry prometheus.Registerer) (configFile, storage string, err error) {
	dirs := directories{root: a.options.DataDir}
	release, err := server.ClaimDataDir(dirs.root)
	if err != nil {
		return "", "", err
	}
	a.release = append(a.release, release)
	runtimeDir, remove, err := makeRuntimeDir(dirs)
	if err != nil {
		return "", "", err
	}
	a.release = append(a.release, remove)

	in := surroundings{
		local:      a.options.Local,
		dirs:       dirs,
		self:       scrapeAddress(a.listener),
		anyPort:    a.options.AnyApplicationPort,
		output:     a.options.WorkerOutput,
		logger:     a.logger,
		registerer: registry,
		query:      a.query,
		answers:    a.answers,
	}
	for i, application := range a.options.Applications {
		in.runtimeDir = filepath.Join(runtimeDir, strconv.Itoa(i)) // short: see makeRuntimeDir
		s, err := newService(application, in)
		if err != nil {
			return "", "", err
		}
		a.services = append(a.services, s)
		a.release = append(a.release, s.close)
	}
	a.live = newLive(a.services, a.options.Local, a.query, a.answers)
	return dirs.configFile(), dirs.storage(), writePrometheusConfig(dirs, a.options.Local, in.self, a.services)
}

// discoveryInterval is short on one machine: a new replica is scraped at once. Large clusters need the server's own.
func (a *App) discoveryInterval() time.Duration {
	if len(a.services) > 0 {
		return 250 * time.Millisecond
	}
	return 0
}

func (a *App) externalURL() string {
	if a.options.ExternalURL != "" {
		return a.options.ExternalURL
	}
	return "http://" + scrapeAddress(a.listener)
}

// handler puts the pages, the Prometheus API and the merged metrics behind one address.
func (a *App) handler(registry prometheus.Registerer) (http.Handler, error) {
	options := web.Options{Version: a.options.Version, Hosts: a.options.Hosts, Logger: a.logger, Registerer: registry}
	if a.live != nil {
		options.Live = a.live
	}
	pages, err := web.New(options)
	if err != nil {
		return nil, err
	}
	a.pages = pages
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	for _, path := range []string{"/api/v1/", "/-/", "/federate", "/metrics"} {
		mux.Handle(path, a.server.Handler())
	}
	mountMetrics(mux, a.services)
	return web.CheckHost(a.options.Hosts, mux), nil
}

// URL is where the pages are.
func (a *App) URL() string { return "http://" + scrapeAddress(a.listener) }

// Addresses returns the URLs of the applications that run here, by name.
func (a *App) Addresses() map[string]string {
	addresses := map[string]string{}
	for _, s := range a.services {
		if s.url() != "" {
			addresses[s.id().Name] = s.url()
		}
	}
	return addresses
}

// Ready is closed when every part serves.
func (a *App) Ready() <-chan struct{} { return a.ready }

// query asks the database; it is how the autoscaler and the first page get their numbers.
func (a *App) query(ctx context.Context, query string, at time.Time) ([]controller.Sample, error) {
	vector, err := a.server.Query(ctx, query, at)
	if err != nil {
		return nil, err
	}
	samples := make([]controller.Sample, 0, len(vector))
	for _, s := range vector {
		samples = append(samples, controller.Sample{Labels: s.Metric.Map(), Value: s.F, Time: time.UnixMilli(s.T)})
	}
	return samples, nil
}

// Reload reads the configuration again. An error leaves everything as it was.
func (a *App) Reload() error { return a.server.Reload() }

// Stop ends a running App and waits until it has ended.
func (a *App) Stop() {
	a.stopOnce.Do(func() { close(a.stop) })
	<-a.done
}

// Run runs everything until the context ends, [App.Stop] is called or a part fails, and ends everything before it
// returns: first what acts, then the workers, then what serves. It is called once.
func (a *App) Run(ctx context.Context) error {
	defer close(a.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	parts := newStack(a.logger)
	parts.start("http server", a.serve)
	parts.start("prometheus", a.server.Run)
	for _, s := range a.services {
		parts.start(s.id().Name, s.run)
	}
	if a.live != nil {
		parts.start("first page", a.live.run)
	}
	parts.start("start", func(ctx context.Context) error { return a.afterReady(ctx, parts) })

	var err error
	select {
	case <-ctx.Done():
	case <-a.stop:
	case err = <-parts.failed:
	}
	if stopped := parts.stop(); err == nil {
		err = stopped
	}
	return errors.Join(err, a.Close())
}

// afterReady waits for the parts, tells that they serve, and lets the traffic in.
func (a *App) afterReady(ctx context.Context, parts *stack) error {
	select {
	case <-a.server.Ready():
		close(a.answers)
	case <-ctx.Done():
		return nil
	}
	for _, s := range a.services {
		if err := s.awaitReady(ctx); err != nil {
			return nil // the context ended
		}
	}
	close(a.ready)
	if a.options.Traffic == nil {
		<-ctx.Done()
		return nil
	}
	return a.options.Traffic(ctx, a.Addresses())
}

// serve runs the HTTP server. It is the last part to end, so that workers that drain can still be read.
func (a *App) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- a.http.Serve(a.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", a.listener.Addr(), err)
	case <-ctx.Done():
	}
	a.pages.Close() // its streams would not end by themselves
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := a.http.Shutdown(grace); err != nil {
		a.http.Close() // a client that will not end is cut off
	}
	<-failed
	return nil
}

// Close gives up what New took. Run does it by itself; it may be called again.
func (a *App) Close() error {
	var errs []error
	for len(a.release) > 0 {
		last := len(a.release) - 1
		if err := a.release[last](); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
		a.release = a.release[:last]
	}
	return errors.Join(errs...)
}
