package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/supervise"
)

// service is one application as it runs here: its workers, a merger per replica, the autoscaler. Which of them there
// are depends on the application: one that runs elsewhere has no workers, one that merges by itself no mergers.
type service struct {
	application *application.Application
	local       *application.Local
	logger      *slog.Logger
	registerer  prometheus.Registerer
	self        string // address of this server, which is where merged metrics are scraped
	dirs        directories
	query       query
	answers     <-chan struct{} // closed when the database answers

	workers *supervise.Service     // nil: it runs elsewhere
	group   *merge.Group           // nil: nothing to merge
	scaler  *controller.Controller // nil: the number of replicas is fixed

	mu      sync.Mutex
	mergers map[string]*merge.Merger // by replica; they live on when a replica is scaled away, so that its counts do
	targets []string                 // the replicas in the targets file
}

// query evaluates PromQL at a time.
type query = func(ctx context.Context, promql string, at time.Time) ([]controller.Sample, error)

// surroundings is what a service is put into.
type surroundings struct {
	local      *application.Local
	dirs       directories
	runtimeDir string // of this service alone
	self       string
	anyPort    bool
	output     io.Writer
	logger     *slog.Logger
	registerer prometheus.Registerer
	query      query
	answers    <-chan struct{} // closed when query works
}

// newService binds the application's port and prepares everything; nothing runs yet. After an error nothing is held.
func newService(app *application.Application, in surroundings) (*service, error) {
	s := describeService(app, in)
	if err := s.prepare(in); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func describeService(app *application.Application, in surroundings) *service {
	return &service{
		application: app,
		local:       in.local,
		logger:      in.logger,
		query:       in.query,
		answers:     in.answers,
		// Names are only unique in their namespace.
		registerer: prometheus.WrapRegistererWith(prometheus.Labels{"namespace": app.Metadata.Namespace}, in.registerer),
		self:       in.self,
		dirs:       in.dirs,
		mergers:    map[string]*merge.Merger{},
	}
}

func (s *service) prepare(in surroundings) error {
	app := s.application
	if app.Spec.Workers.Metrics.PythonDir != "" {
		return app.Errorf("spec.workers.metrics.pythonDir", "use ports, sockets or endpoint", "is not supported by this version")
	}
	if len(app.Spec.Command) > 0 {
		if err := s.prepareWorkers(in); err != nil {
			return err
		}
	}
	if s.merges() {
		group, err := merge.NewGroup(merge.GroupOptions{Name: app.Metadata.Name, Gauges: gaugeModes(app), Logger: s.logger})
		if err != nil {
			return err
		}
		s.group = group
	}
	if app.Scales() && s.merges() {
		if err := s.prepareScaler(in); err != nil {
			return err
		}
	}
	if err := s.writeRules(); err != nil {
		return err
	}
	// Discovery watches the file's directory from the start, and a list of an earlier start must not be scraped.
	return s.writeTargets(nil)
}

func (s *service) id() serviceID {
	return serviceID{Namespace: s.application.Metadata.Namespace, Name: s.application.Metadata.Name}
}

// merges says whether this process puts the workers' metrics together.
func (s *service) merges() bool {
	return s.workers != nil && s.application.Spec.Workers.Metrics.Endpoint == ""
}

func (s *service) prepareWorkers(in surroundings) error {
	spec := s.application.Spec
	least, most := s.replicas()
	options := supervise.Options{
		Name:        s.application.Metadata.Name,
		Namespace:   s.application.Metadata.Namespace,
		Command:     spec.Command,
		Dir:         s.application.WorkingDir(),
		Env:         environment(spec.Env),
		Workers:     spec.Workers.Count,
		Manager:     supervise.Manager(spec.Workers.Manager),
		Metrics:     supervise.Sockets{},
		RuntimeDir:  in.runtimeDir,
		Replicas:    least,
		MaxReplicas: most,
		Logger:      s.logger,
		Registerer:  s.registerer,
		Output:      in.output,
	}
	switch {
	case spec.Workers.Metrics.Ports != nil:
		options.Metrics = supervise.Ports{Start: spec.Workers.Metrics.Ports.Start}
	case spec.Workers.Metrics.Endpoint != "":
		options.Metrics = supervise.None{}
	}
	if spec.Workers.Listener != application.ListenerOwn && spec.Port != 0 {
		options.Listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(spec.Port))
	} else if spec.Port != 0 {
		options.Env = append(options.Env, "PORT="+strconv.Itoa(spec.Port))
	}
	s.warnOfSharedEndpoint(options.Env)
	workers, err := supervise.New(options)
	if isInUse(err) && in.anyPort && options.Listen != "" {
		options.Listen = "127.0.0.1:0"
		workers, err = supervise.New(options)
		if err == nil {
			s.logger.Warn("the port is in use, took a free one", "wanted", spec.Port, "got", workers.Addr())
		}
	}
	s.workers = workers
	return err
}

// warnOfSharedEndpoint says what would otherwise be a wrong number that looks right: of several workers behind one address
// each scrape reaches another one, unless the program merges them itself.
func (s *service) warnOfSharedEndpoint(env []string) {
	w := s.application.Spec.Workers
	own := slices.ContainsFunc(append(os.Environ(), env...), func(v string) bool {
		name, value, _ := strings.Cut(v, "=")
		return value != "" && (name == "PROMETHEUS_MULTIPROC_DIR" || name == "prometheus_multiproc_dir")
	})
	if w.Count < 2 || w.Metrics.Endpoint == "" || own {
		return
	}
	s.logger.Warn("the workers share one metrics endpoint: its counts jump from worker to worker unless the program merges them itself",
		"application", s.id(), "workers", w.Count, "endpoint", w.Metrics.Endpoint,
		"hint", "let the program merge them, as Python's client does with PROMETHEUS_MULTIPROC_DIR, or run one worker")
}

// replicas are the least and the most that run here. Programs that put their metrics together themselves have one endpoint
// on this machine: of several replicas a scrape would see any, and all would be counted as often as there are replicas.
func (s *service) replicas() (least, most int) {
	least, most = s.application.Replicas()
	if s.application.Spec.Workers.Metrics.Endpoint == "" || most <= 1 {
		return least, most
	}
	s.logger.Warn("one replica runs here: the replicas of a program that serves its metrics itself cannot be told apart on one machine",
		"application", s.id(), "max", most)
	return min(least, 1), 1
}

func environment(vars map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, name+"="+vars[name])
	}
	return list
}

// run keeps mergers and targets in step with the replicas until the context ends. On the way out it drains the workers
// while the mergers still read, so that what the workers counted last is in the totals.
func (s *service) run(ctx context.Context) error {
	parts := newStack(s.logger)
	if s.workers == nil {
		if err := s.publish(nil); err != nil {
			return err
		}
	} else {
		parts.start("mergers", func(ctx context.Context) error { return s.follow(ctx) })
		parts.start("workers", s.workers.Run)
		if s.scaler != nil {
			parts.start("autoscaler", s.scale)
		}
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-parts.failed:
	}
	if stopped := parts.stop(); err == nil {
		err = stopped
	}
	return err
}

// follow watches the replicas: each gets a merger when it appears, and the list of targets is written anew.
func (s *service) follow(ctx context.Context) error {
	mergers := newStack(s.logger)
	defer mergers.stop()
	for {
		changed := s.workers.Changed()
		snapshot := s.workers.Snapshot()
		if s.merges() {
			for _, replica := range snapshot.Replicas {
				if err := s.merge(replica.Name, mergers); err != nil {
					return err
				}
			}
		}
		if err := s.publish(names(snapshot)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-mergers.failed:
			return err
		case <-changed:
		}
	}
}

// merge starts a merger for the replica unless it has one.
func (s *service) merge(replica string, mergers *stack) error {
	if s.merger(replica) != nil {
		return nil
	}
	merger, err := merge.New(merge.Options{
		Name:       replica,
		Source:     replicaSource{s.workers, replica, s.application.Spec.Workers.Count},
		Interval:   time.Duration(s.local.ReadInterval),
		Gauges:     gaugeModes(s.application),
		Logger:     s.logger,
		Registerer: s.registerer,
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mergers[replica] = merger
	s.mu.Unlock()
	s.group.Add(merger)
	mergers.start("merger of "+replica, merger.Run)
	return nil
}

func (s *service) merger(replica string) *merge.Merger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mergers[replica]
}

// gaugeModes are the application file's words in the merge's type.
func gaugeModes(app *application.Application) map[string]merge.GaugeMode {
	modes := map[string]merge.GaugeMode{}
	for name, mode := range app.Spec.Workers.Gauges {
		modes[name] = merge.GaugeMode(mode)
	}
	return modes
}

// publish writes the targets file if the list of replicas has changed.
func (s *service) publish(replicas []string) error {
	s.mu.Lock()
	same := s.targets != nil && slices.Equal(s.targets, replicas)
	s.targets = append([]string{}, replicas...)
	s.mu.Unlock()
	if same {
		return nil
	}
	return s.writeTargets(replicas)
}

func names(snapshot supervise.Snapshot) []string {
	list := []string{}
	for _, replica := range snapshot.Replicas {
		list = append(list, replica.Name)
	}
	return list
}

// replicaSource finds the workers of one replica while it exists; a replica that was scaled away has none.
type replicaSource struct {
	workers *supervise.Service
	name    string
	count   int
}

func (r replicaSource) Endpoints(ctx context.Context) ([]merge.Endpoint, error) {
	for _, replica := range r.workers.Snapshot().Replicas {
		switch {
		case replica.Name != r.name:
		case replica.MetricsDir != "":
			return endpoints.Dir(replica.MetricsDir).Endpoints(ctx)
		case replica.MetricsPort != 0:
			ports, err := endpoints.Ports("127.0.0.1", replica.MetricsPort, r.count)
			if err != nil {
				return nil, err
			}
			return ports.Endpoints(ctx)
		}
	}
	return nil, nil
}

// address is where the application itself answers; "" if that is not known.
func (s *service) address() string {
	if s.workers != nil && s.workers.Addr() != nil {
		return s.workers.Addr().String()
	}
	if s.application.Spec.Port != 0 {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.application.Spec.Port))
	}
	return ""
}

func (s *service) url() string {
	if s.address() == "" {
		return ""
	}
	return "http://" + s.address()
}

// endpoint is where a program that merges by itself serves its metrics.
func (s *service) endpoint() (*url.URL, error) {
	given := s.application.Spec.Workers.Metrics.Endpoint
	if strings.HasPrefix(given, "/") {
		given = "http://" + s.address() + given
	}
	u, err := url.Parse(given)
	if err != nil {
		return nil, fmt.Errorf("%s: workers.metrics.endpoint: %w", s.id(), err)
	}
	if u.Path == "" {
		u.Path = "/" // what a request would ask for
	}
	return u, nil
}

// ready says whether the service is up as far as it can be seen from here.
func (s *service) ready() bool {
	if s.workers == nil {
		return true
	}
	snapshot := s.workers.Snapshot()
	serving := 0
	for _, replica := range snapshot.Replicas {
		if replica.Ready {
			serving++
		}
	}
	return serving >= min(1, snapshot.Desired)
}

// awaitReady returns when the service is ready, or an error when the context ends.
func (s *service) awaitReady(ctx context.Context) error {
	if s.workers == nil {
		return nil
	}
	for {
		changed := s.workers.Changed()
		if s.ready() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// close gives up the port of a service that never ran.
func (s *service) close() error {
	if s.workers == nil {
		return nil
	}
	return s.workers.Close()
}
