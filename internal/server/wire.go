package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/util/logging"
	"github.com/prometheus/prometheus/util/notifications"
)

func (s *Server) openStorage(cfg *config.Config) error {
	release, err := ClaimDataDir(s.opts.DataDir)
	if err != nil {
		return err
	}
	s.closers.add("data directory", release)
	if s.db, err = openDatabase(s.opts.DataDir, cfg, s.opts.StartTimestamps, s.opts.Logger, s.reg, s.features, s.stats); s.db == nil {
		return err
	}
	var targets scrapeTargets
	s.remote = remote.NewStorage(s.log("remote"), s.reg, func() (int64, error) { return startTime(s.db) },
		s.opts.DataDir, s.opts.RemoteFlushDeadline, &targets, false)
	s.storage = storage.NewFanout(s.opts.Logger, s.db, s.remote)
	s.closers.add("storage", s.storage.Close)
	s.db.SetWriteNotified(s.remote)
	if err != nil {
		return err
	}
	s.scrape, err = scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval:  model.Duration(s.opts.DiscoveryInterval),
		DiscoveryReloadOnStartup: true,
		FeatureRegistry:          s.features,

		EnableStartTimestampZeroIngestion: s.opts.StartTimestamps,
		ParseST:                           s.opts.StartTimestamps,
		PassMetadataInContext:             s.opts.Stored != nil, // the target is among it
	}, s.log("scrape manager"), logging.NewJSONFileLogger, nil, tellStored(s.storage, s.opts.Stored), s.reg)
	if err != nil {
		return err
	}
	targets.Store(s.scrape)
	return nil
}

// wire makes what works on the storage, in the order of Prometheus' own command.
func (s *Server) wire(cfg *config.Config) error {
	s.notices = notifications.NewNotifications(16, s.reg) // 16 live subscribers, as in Prometheus
	s.notices.AddNotification(notifications.StartingUp)
	template.RegisterFeatures(s.features)
	if err := s.wireDiscovery(); err != nil {
		return err
	}
	s.notifier = notifier.NewManager(&notifier.Options{
		QueueCapacity:   10_000, // as in Prometheus
		DrainOnShutdown: true,
		Do:              s.opts.NotifierDo,
		Registerer:      s.reg,
	}, cfg.GlobalConfig.MetricNameValidationScheme, s.log("notifier"))
	if err := s.wireEngine(); err != nil {
		return err
	}
	s.rules = rules.NewManager(&rules.ManagerOptions{
		NameValidationScheme: cfg.GlobalConfig.MetricNameValidationScheme,
		Appendable:           s.storage,
		Queryable:            s.db,
		QueryFunc:            rules.EngineQueryFunc(s.engine, s.storage),
		NotifyFunc:           rules.SendAlerts(s.notifier, s.externalURL.String()),
		Context:              context.Background(),
		ExternalURL:          s.externalURL,
		Registerer:           s.reg,
		Logger:               s.log("rule manager"),
		OutageTolerance:      time.Hour, // these three as in Prometheus
		ForGracePeriod:       10 * time.Minute,
		ResendDelay:          time.Minute,
		DefaultRuleQueryOffset: func() time.Duration {
			return time.Duration(s.config.Load().GlobalConfig.RuleQueryOffset)
		},
		FeatureRegistry: s.features,
		Parser:          newParser(),
	})
	return nil
}

func (s *Server) wireDiscovery() error {
	if err := discovery.RegisterK8sClientMetricsWithPrometheus(s.reg); err != nil {
		return err
	}
	sdMetrics, err := discovery.CreateAndRegisterSDMetrics(s.reg)
	if err != nil {
		return err
	}
	for name, d := range map[string]**discoverer{"scrape": &s.discoverTargets, "notify": &s.discoverAlerts} {
		ctx, cancel := context.WithCancel(context.Background())
		m := discovery.NewManager(ctx, s.log("discovery manager "+name), s.reg, sdMetrics, discovery.Name(name),
			discovery.Updatert(s.opts.DiscoveryInterval), discovery.FeatureRegistry(s.features))
		s.closers.add("discovery "+name, func() error { cancel(); return nil })
		if m == nil {
			return fmt.Errorf("discovery manager %q was refused; the log says why", name)
		}
		*d = &discoverer{m, cancel}
	}
	return nil
}

func (s *Server) wireEngine() error {
	// After the data directory is locked: the tracker truncates its file, which a running server has mapped.
	tracker, err := promql.NewActiveQueryTracker(s.opts.DataDir, s.opts.Query.Concurrency, s.log("activeQueryTracker"))
	if err != nil {
		return dataDirError(s.opts.DataDir, err)
	}
	s.engine = promql.NewEngine(promql.EngineOpts{
		Logger:                   s.log("query engine"),
		Reg:                      s.reg,
		MaxSamples:               s.opts.Query.MaxSamples,
		Timeout:                  s.opts.Query.Timeout,
		ActiveQueryTracker:       tracker,
		LookbackDelta:            s.opts.Query.LookbackDelta,
		NoStepSubqueryIntervalFn: s.evaluationInterval,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		FeatureRegistry:          s.features,
		Parser:                   newParser(),
	})
	s.closers.add("query engine", s.engine.Close)
	return nil
}

// evaluationInterval is the step, in milliseconds, of a subquery that gives none.
func (s *Server) evaluationInterval(int64) int64 {
	return time.Duration(s.config.Load().GlobalConfig.EvaluationInterval).Milliseconds()
}

func (s *Server) log(component string) *slog.Logger {
	return s.opts.Logger.With("component", component)
}

// scrapeTargets lets remote write, which is made first, read the metadata of targets, which come later.
type scrapeTargets struct{ atomic.Pointer[scrape.Manager] }

func (t *scrapeTargets) Get() (*scrape.Manager, error) {
	if m := t.Load(); m != nil {
		return m, nil
	}
	return nil, errors.New("scraping has not started")
}
