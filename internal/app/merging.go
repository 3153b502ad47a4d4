package app

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/supervise"
)

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
	merger, err := s.newMerger(replica)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mergers[replica] = merger
	close(s.added)
	s.added = make(chan struct{})
	s.mu.Unlock()
	s.group.Add(merger)
	mergers.start("merger of "+replica, merger.Run)
	return nil
}

// merger makes one page of what the workers of a replica have, whatever way they have it.
type merger interface {
	merge.Replica
	http.Handler
	Read(context.Context) error
	Run(context.Context) error
}

func (s *service) newMerger(replica string) (merger, error) {
	interval, gauges := time.Duration(s.local.ReadInterval), gaugeModes(s.application)
	if s.python != nil {
		return pydir.New(pydir.Options{
			Name: replica, Dir: s.python.of(replica), Interval: interval, Gauges: gauges,
			SharedPIDs: true, // they are this process' own children
			Logger:     s.logger, Registerer: s.registerer,
		})
	}
	return merge.New(merge.Options{
		Name: replica, Source: replicaSource{s.workers, replica, s.application.Spec.Workers.Count}, Interval: interval, Gauges: gauges,
		Logger: s.logger, Registerer: s.registerer,
	})
}

func (s *service) merger(replica string) merger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mergers[replica]
}

// awaitRead returns when the workers of every replica that is ready have been read, or have failed to answer in time,
// after they said that they are ready: what is merged is then no less than what they had counted. An error is that of the
// context.
func (s *service) awaitRead(ctx context.Context) error {
	if !s.merges() {
		return nil
	}
	for _, replica := range s.workers.Snapshot().Replicas {
		if !replica.Ready {
			continue
		}
		merger, err := s.awaitMerger(ctx, replica.Name)
		if err != nil {
			return err
		}
		if err := merger.Read(ctx); ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// awaitMerger returns the replica's merger when follow has made it.
func (s *service) awaitMerger(ctx context.Context, replica string) (merger, error) {
	for {
		s.mu.Lock()
		merger, added := s.mergers[replica], s.added
		s.mu.Unlock()
		if merger != nil {
			return merger, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-added:
		}
	}
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
