package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
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
	begun    atomic.Bool // run, or given up
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when nothing is held any more
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

	// The directory first: who starts a second App by mistake reads of that, not of the port that it took before.
	if len(a.options.Applications) > 0 {
		release, err := server.ClaimDataDir(a.options.DataDir)
		if err != nil {
			return err
		}
		a.release = append(a.release, release)
	}
	listener, err := listen(a.options.Listen, a.options.AnyPort, a.logger)
	if err != nil {
		return err
	}
	a.listener = listener
	a.release = append(a.release, listener.Close)

	configFile, dataDir := a.options.ConfigFile, a.options.DataDir
	var gatherer prometheus.Gatherer = registry
	if len(a.options.Applications) > 0 {
		gatherer = lintClean{registry}
		if configFile, dataDir, err = a.prepareServices(registry); err != nil {
			return err
		}
	}
	opened := tellWhileWaiting(a.logger, "still opening the database, which reads what the last run left", "data", dataDir)
	a.server, err = server.New(server.Options{
		ConfigFile:        configFile,
		DataDir:           dataDir,
		Retention:         server.Retention{Time: a.options.Local.Retention.Std()},
		ExternalURL:       a.externalURL(),
		EnableLifecycle:   a.options.EnableLifecycle,
		DiscoveryInterval: a.discoveryInterval(),
		StartTimestamps:   len(a.services) > 0, // a new replica's first clicks count in its rate
		Stored:            a.stored(),
		Logger:            a.logger,
		Registerer:        registry,
		Gatherer:          gatherer,
	})
	opened()
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

// prepareServices makes the services and writes the configuration that scrapes them.
func (a *App) prepareServices(registry prometheus.Registerer) (configFile, storage string, err error) {
	dirs := directories{root: a.options.DataDir}
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
		readyAfter: a.options.readyAfter,
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

// stored has a service decide on what was scraped of its replicas as soon as it can be asked for.
func (a *App) stored() func(label func(name string) string) {
	if len(a.services) == 0 {
		return nil
	}
	return func(label func(name string) string) {
		for _, s := range a.services {
			if label("pod") != "" && s.id() == (serviceID{label("namespace"), label("service")}) {
				s.wakeScaler()
			}
		}
	}
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
