package app

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/supervise"
)

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
		ReadyAfter:  in.readyAfter,
		Replicas:    least,
		MaxReplicas: most,
		Logger:      s.logger,
		Registerer:  s.registerer,
		Output:      in.output,
	}
	switch {
	case spec.Workers.Metrics.Ports != nil:
		options.Metrics = supervise.Ports{Start: spec.Workers.Metrics.Ports.Start}
	case s.python != nil:
		options.Metrics = s.python.metrics()
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
			s.logger.Warn("the port is in use, took a free one", "application", s.id(), "wanted", spec.Port, "got", workers.Addr())
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
		return value != "" && (name == pythonVariable || name == "prometheus_multiproc_dir")
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
