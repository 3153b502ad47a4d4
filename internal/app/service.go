package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/merge"
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
	python  *pythonDir             // nil: not where the metrics are
	scaler  *controller.Controller // nil: the number of replicas is fixed
	wake    chan struct{}          // has the scaler decide before its period is over

	mu      sync.Mutex
	mergers map[string]merger // by replica; they live on when a replica is scaled away, so that its counts do
	added   chan struct{}     // closed, and made anew, when there is one more merger
	targets []string          // the replicas in the targets file
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
	readyAfter time.Duration
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
		mergers:    map[string]merger{},
		added:      make(chan struct{}),
		wake:       make(chan struct{}, 1),
	}
}

func (s *service) prepare(in surroundings) error {
	app := s.application
	if dir := app.PythonDir(); dir != "" && len(app.Spec.Command) > 0 {
		python, err := s.claimPythonDir(dir)
		if err != nil {
			return err
		}
		s.python = python
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

// close gives up what the service holds: the directory of its workers, and the port if it never ran.
func (s *service) close() error {
	var errs []error
	if s.workers != nil {
		errs = append(errs, s.workers.Close())
	}
	if s.python != nil {
		errs = append(errs, s.python.release())
	}
	return errors.Join(errs...)
}
