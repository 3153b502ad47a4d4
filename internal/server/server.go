package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"

	"github.com/truecount/truecount/internal/hint"
)

// Server is one embedded Prometheus. Its methods may be called concurrently, Run once.
type Server struct {
	opts        Options
	externalURL *url.URL
	born        time.Time
	reg         *registrations
	metrics     *metrics
	features    features.Collector
	notices     *notifications.Notifications
	gate        *gate
	handler     http.Handler

	db      *tsdb.DB
	stats   *tsdb.DBStats
	remote  *remote.Storage
	storage storage.Storage // the database, with remote write and read beside it
	engine  *promql.Engine

	scrape          *scrape.Manager
	notifier        *notifier.Manager
	rules           *rules.Manager
	discoverTargets *discoverer
	discoverAlerts  *discoverer

	config   atomic.Pointer[config.Config] // the one in force
	reloadMu sync.Mutex
	running  atomic.Bool
	closers  closers
}

// discoverer is a discovery manager and what ends it.
type discoverer struct {
	*discovery.Manager
	cancel context.CancelFunc
}

// New checks the configuration, takes the data directory and opens the database, which replays its log. Nothing is bound,
// scraped or evaluated before Run. A server that is not going to Run must be closed. Errors are an operator's to
// read and carry a hint.
func New(opts Options) (_ *Server, err error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	external, err := parseExternalURL(opts.ExternalURL)
	if err != nil {
		return nil, err
	}
	cfg, err := loadConfig(opts.ConfigFile, opts.Logger)
	if err != nil {
		return nil, err
	}
	opts.fillConfig(cfg)
	s := &Server{
		opts: opts, externalURL: external, born: time.Now().UTC(),
		reg:      &registrations{registry: opts.Registerer},
		features: features.NewRegistry(), gate: newGate(), stats: tsdb.NewDBStats(),
	}
	s.closers.add("metrics", func() error { s.reg.release(); return nil })
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.metrics, err = newMetrics(s.reg); err != nil {
		return nil, err
	}
	if err := s.openStorage(cfg); err != nil {
		return nil, err
	}
	if err := s.wire(cfg); err != nil {
		return nil, err
	}
	s.config.Store(cfg)
	s.handler = s.newHandler()
	return s, nil
}

// Ready is closed when the server answers: the configuration is applied and everything runs.
func (s *Server) Ready() <-chan struct{} { return s.gate.opened }

// Handler answers /api/v1/…, /federate, /metrics, /-/ready, /-/healthy and /-/reload, and nothing else. It may be mounted
// before Run: until the server is ready, and from the moment it stops, the API answers 503.
func (s *Server) Handler() http.Handler { return s.handler }

// Query evaluates an instant query at a time, within the limits of Options.Query. A scalar becomes one sample without labels.
// The samples are the caller's to keep.
func (s *Server) Query(ctx context.Context, query string, at time.Time) (promql.Vector, error) {
	ctx, leave, state := s.gate.enter(ctx)
	if leave == nil {
		return nil, state.err()
	}
	defer leave()
	q, err := s.engine.NewInstantQuery(ctx, s.storage, nil, query, at)
	if err != nil {
		return nil, hint.Errorf("try it on the query page", "query %q: %w", query, err)
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return nil, hint.Errorf("try it on the query page", "query %q: %w", query, result.Err)
	}
	switch v := result.Value.(type) {
	case promql.Vector:
		return slices.Clone(v), nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, hint.Errorf("take an instant vector, for example with rate(…) or last_over_time(…)",
		"query %q gives a %s, not an instant vector", query, result.Value.Type())
}

// Close ends a server that was never run and does nothing to one that was: Run ends what it runs.
func (s *Server) Close() error {
	if !s.running.CompareAndSwap(false, true) {
		return nil
	}
	return s.release()
}

func (s *Server) release() error {
	s.gate.close()
	return s.closers.unwind(s.opts.Logger)
}

func (g gateState) err() error {
	if g == gateStopping {
		return errors.New("the server is stopping")
	}
	return hint.Errorf("wait for it: /-/ready answers 200 when it is", "the server is not ready yet")
}
