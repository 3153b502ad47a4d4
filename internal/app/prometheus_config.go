package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/application"
)

// The Prometheus configuration that `up` runs with is an ordinary file in the data directory: what it says can be
// read, learned from and taken elsewhere.
const (
	configComment = "# Written by truecount up at every start: what this machine scrapes. On Kubernetes the same jobs find their\n" +
		"# targets by discovery; labels, rules and queries stay as they are here. For Prometheus 2.49 or newer (scrape_protocols).\n"
	rulesComment = "# Written by truecount up at every start from the application file.\n"
)

type prometheusConfig struct {
	Global        globalConfig   `yaml:"global"`
	RuleFiles     []string       `yaml:"rule_files,omitempty"`
	ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
}

type globalConfig struct {
	ScrapeInterval     string `yaml:"scrape_interval"`
	ScrapeTimeout      string `yaml:"scrape_timeout"`
	EvaluationInterval string `yaml:"evaluation_interval"`
	// Protobuf comes first, because it tells when a counter was created.
	ScrapeProtocols []string `yaml:"scrape_protocols,flow"`
}

type scrapeConfig struct {
	JobName              string          `yaml:"job_name"`
	MetricsPath          string          `yaml:"metrics_path,omitempty"`
	Scheme               string          `yaml:"scheme,omitempty"`
	StaticConfigs        []targetGroup   `yaml:"static_configs,omitempty"`
	FileSDConfigs        []fileSDConfig  `yaml:"file_sd_configs,omitempty"`
	MetricRelabelConfigs []relabelConfig `yaml:"metric_relabel_configs,omitempty"`
}

// targetGroup is the form that static and file discovery share.
type targetGroup struct {
	Targets []string          `yaml:"targets" json:"targets"`
	Labels  map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`
}

type fileSDConfig struct {
	Files []string `yaml:"files"`
}

type relabelConfig struct {
	SourceLabels []string `yaml:"source_labels,omitempty,flow"`
	Regex        string   `yaml:"regex,omitempty"`
	TargetLabel  string   `yaml:"target_label,omitempty"`
	Replacement  string   `yaml:"replacement,omitempty"`
	Action       string   `yaml:"action,omitempty"`
}

// The two series that the first page compares. Under a name of their own they never mix with what a query for the
// metric itself finds.
const (
	naivePrefix  = "naive:"
	mergedPrefix = "merged:"
)

// writePrometheusConfig writes the configuration for these services; self is the address of this server.
func writePrometheusConfig(dirs directories, local *application.Local, self string, services []*service) error {
	interval := local.ScrapeInterval.Std()
	config := prometheusConfig{
		Global: globalConfig{
			ScrapeInterval:     model.Duration(interval).String(),
			ScrapeTimeout:      model.Duration(min(interval, 10*time.Second)).String(),
			EvaluationInterval: local.EvaluationInterval.String(),
			ScrapeProtocols:    []string{"PrometheusProto", "OpenMetricsText1.0.0", "PrometheusText0.0.4"},
		},
		ScrapeConfigs: []scrapeConfig{{
			JobName:       "truecount",
			StaticConfigs: []targetGroup{{Targets: []string{self}}},
		}},
	}
	for _, s := range services {
		config.ScrapeConfigs = append(config.ScrapeConfigs, s.scrapeConfigs()...)
		config.RuleFiles = append(config.RuleFiles, s.ruleFiles()...)
	}
	body, err := yaml.Marshal(config)
	if err != nil {
		return fmt.Errorf("write the scrape configuration: %w", err)
	}
	return replaceFile(dirs.configFile(), append([]byte(configComment), body...))
}

// scrapeConfigs are the jobs of one application: its replicas, and, for the first page, its counter as one random
// worker shows it and as all workers together have it.
func (s *service) scrapeConfigs() []scrapeConfig {
	jobs := []scrapeConfig{{
		JobName:       s.id().scrapeName(),
		FileSDConfigs: []fileSDConfig{{Files: []string{s.dirs.inConfig(s.dirs.targets(s.id()))}}},
	}}
	metric := s.application.StripMetric()
	if metric == "" || !s.merges() {
		return jobs
	}
	for _, compared := range []struct{ name, path, prefix string }{
		{"naive", s.id().naivePath(), naivePrefix},
		{"merged", s.id().servicePath(), mergedPrefix},
	} {
		jobs = append(jobs, scrapeConfig{
			JobName:     s.id().scrapeName() + "/" + compared.name,
			MetricsPath: compared.path,
			// Neither namespace nor service nor pod: what asks for the application's own series must not find these.
			StaticConfigs: []targetGroup{{Targets: []string{s.self}, Labels: map[string]string{"instance": s.id().String()}}},
			MetricRelabelConfigs: []relabelConfig{
				{SourceLabels: []string{"__name__"}, Regex: metric, Action: "keep"},
				{TargetLabel: "__name__", Replacement: compared.prefix + metric},
			},
		})
	}
	return jobs
}

// writeTargets writes the replicas in file discovery's form. The labels are those that discovery gives to a pod on
// Kubernetes, so that queries, rules and the autoscaler's spec run unchanged here and there.
func (s *service) writeTargets(replicas []string) error {
	groups := []targetGroup{}
	switch {
	case s.workers == nil:
		group, err := s.endpointTarget(s.id().Name)
		if err != nil {
			return err
		}
		delete(group.Labels, "pod") // it runs elsewhere: there is no replica of ours
		groups = append(groups, group)
	case !s.merges():
		for _, replica := range replicas {
			group, err := s.endpointTarget(replica)
			if err != nil {
				return err
			}
			groups = append(groups, group)
		}
	default:
		for _, replica := range replicas {
			group := targetGroup{Targets: []string{s.self}, Labels: s.targetLabels(replica)}
			group.Labels["__metrics_path__"] = s.id().replicaPath(replica)
			groups = append(groups, group)
		}
	}
	body, err := json.MarshalIndent(groups, "", "  ")
	if err != nil {
		return fmt.Errorf("write the targets of %s: %w", s.id(), err)
	}
	return replaceFile(s.dirs.targets(s.id()), append(body, '\n'))
}

func (s *service) targetLabels(replica string) map[string]string {
	return map[string]string{"job": s.id().jobName(), "instance": replica, "namespace": s.id().Namespace, "service": s.id().Name, "pod": replica}
}

// endpointTarget is a program that serves the metrics of all its workers itself.
func (s *service) endpointTarget(replica string) (targetGroup, error) {
	endpoint, err := s.endpoint()
	if err != nil {
		return targetGroup{}, err
	}
	group := targetGroup{Targets: []string{endpoint.Host}, Labels: s.targetLabels(replica)}
	group.Labels["__scheme__"], group.Labels["__metrics_path__"] = endpoint.Scheme, endpoint.Path
	for name, values := range endpoint.Query() {
		group.Labels["__param_"+name] = values[0] // a target has one value for each
	}
	return group, nil
}

// ruleGroups are the application's signals as recording rules, so that each can be charted by its name, and its alerts.
func (s *service) ruleGroups() []rulefmt.RuleGroup {
	var groups []rulefmt.RuleGroup
	if signals := s.application.Queries(); len(signals) > 0 {
		group := rulefmt.RuleGroup{Name: s.id().String() + " signals"}
		for _, name := range slices.Sorted(maps.Keys(signals)) {
			group.Rules = append(group.Rules, rulefmt.Rule{Record: name, Expr: signals[name]})
		}
		groups = append(groups, group)
	}
	if alerts, ok := s.application.RuleGroup(); ok {
		alerts.Name += " alerts"
		groups = append(groups, alerts)
	}
	return groups
}

func (s *service) ruleFiles() []string {
	if len(s.ruleGroups()) == 0 {
		return nil
	}
	return []string{s.dirs.inConfig(s.dirs.rules(s.id()))}
}

func (s *service) writeRules() error {
	if len(s.ruleFiles()) == 0 {
		return nil
	}
	body, err := yaml.Marshal(rulefmt.RuleGroups{Groups: s.ruleGroups()})
	if err != nil {
		return fmt.Errorf("write the rules of %s: %w", s.id(), err)
	}
	return replaceFile(s.dirs.rules(s.id()), append([]byte(rulesComment), body...))
}
