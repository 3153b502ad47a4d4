package server

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/util/logging"
	"github.com/prometheus/prometheus/util/notifications"
)

// step hands a configuration to one part of the server.
type step struct {
	name  string
	apply func(*config.Config) error
}

// steps are in Prometheus' order: a part that is fed targets knows their configuration before discovery does. Rules are last,
// because they keep their old set by themselves when the new one is bad.
func (s *Server) steps() []step {
	return []step{
		{"storage.tsdb", s.db.ApplyConfig},
		{"remote_write and remote_read", s.remote.ApplyConfig},
		{"query_log_file", s.applyQueryLog},
		{"scrape_configs", s.scrape.ApplyConfig},
		{"discovery of targets", s.applyTargetDiscovery},
		{"alerting", s.notifier.ApplyConfig},
		{"discovery of alertmanagers", s.applyAlertDiscovery},
		{"rule_files", s.applyRules},
	}
}

// Reload reads the configuration file again and applies it. On an error, which is the operator's to read, what was in
// force before is in force still: a bad file touches nothing, and a file that a part refuses is taken back from the others.
func (s *Server) Reload() error {
	_, leave, state := s.gate.enter(context.Background())
	if leave == nil {
		return state.err()
	}
	defer leave()
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	err := s.reload()
	if err != nil {
		s.metrics.reloadSuccessful.Set(0)
		s.notices.AddNotification(notifications.ConfigurationUnsuccessful)
		s.opts.Logger.Error("configuration not reloaded; the previous one stays in force", "file", s.opts.ConfigFile, "err", err)
		return err
	}
	s.reloaded()
	return nil
}

func (s *Server) reload() error {
	next, err := loadConfig(s.opts.ConfigFile, s.opts.Logger)
	if err != nil {
		return err
	}
	s.opts.fillConfig(next)
	before := s.config.Load()
	// Rules ask for the configuration while they are being applied.
	s.config.Store(next)
	if failed, err := s.apply(next, s.steps()); err != nil {
		s.config.Store(before)
		if _, undo := s.apply(before, s.steps()[:failed+1]); undo != nil {
			s.opts.Logger.Error("the previous configuration could not be put back entirely", "err", undo)
		}
		return err
	}
	return nil
}

// applyFirst applies what New has checked.
func (s *Server) applyFirst() error {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if _, err := s.apply(s.config.Load(), s.steps()); err != nil {
		return err
	}
	s.notices.DeleteNotification(notifications.StartingUp)
	s.reloaded()
	return nil
}

// apply stops at the first step that fails and says which.
func (s *Server) apply(cfg *config.Config, steps []step) (int, error) {
	for i, step := range steps {
		if err := step.apply(cfg); err != nil {
			return i, fmt.Errorf("%s: %s cannot be applied: %w", s.opts.ConfigFile, step.name, err)
		}
	}
	return len(steps), nil
}

func (s *Server) reloaded() {
	s.metrics.reloadSuccessful.Set(1)
	s.metrics.reloadSuccessTime.SetToCurrentTime()
	s.notices.DeleteNotification(notifications.ConfigurationUnsuccessful)
	s.opts.Logger.Info("configuration applied", "file", s.opts.ConfigFile)
	if s.config.Load().TracingConfig.Endpoint != "" {
		s.opts.Logger.Warn("the tracing section is ignored: this server sends no traces", "file", s.opts.ConfigFile)
	}
}

func (s *Server) applyQueryLog(cfg *config.Config) error {
	file := cfg.GlobalConfig.QueryLogFile
	if file == "" {
		s.engine.SetQueryLogger(nil)
		return nil
	}
	log, err := logging.NewJSONFileLogger(file)
	if err != nil {
		return err
	}
	s.engine.SetQueryLogger(log)
	return nil
}

func (s *Server) applyTargetDiscovery(cfg *config.Config) error {
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	found := make(map[string]discovery.Configs, len(jobs))
	for _, job := range jobs {
		found[job.JobName] = job.ServiceDiscoveryConfigs
	}
	return s.discoverTargets.ApplyConfig(found)
}

func (s *Server) applyAlertDiscovery(cfg *config.Config) error {
	found := map[string]discovery.Configs{}
	for name, am := range cfg.AlertingConfig.AlertmanagerConfigs.ToMap() {
		found[name] = am.ServiceDiscoveryConfigs
	}
	return s.discoverAlerts.ApplyConfig(found)
}

func (s *Server) applyRules(cfg *config.Config) error {
	files, err := ruleFiles(cfg)
	if err != nil {
		return err
	}
	return s.rules.Update(time.Duration(cfg.GlobalConfig.EvaluationInterval), files, cfg.GlobalConfig.ExternalLabels,
		s.externalURL.String(), nil)
}
