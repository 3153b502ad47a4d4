package server

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	// Each mechanism registers its section of the configuration file. Not discovery/install: it would link every cloud's SDK.
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"

	"github.com/truecount/truecount/internal/hint"
)

// CheckConfig reads a configuration file, its scrape_config_files and its rule files exactly as a server does, and starts
// nothing. The error has one line per mistake, file:line: or file:line:column: first where the place is known, and a hint.
func CheckConfig(file string) error {
	_, err := loadConfig(file, slog.New(slog.DiscardHandler))
	return err
}

func loadConfig(file string, logger *slog.Logger) (*config.Config, error) {
	content, err := readConfig(file)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(string(content), logger)
	if err != nil {
		return nil, configError(file, content, err)
	}
	cfg.SetDirectory(filepath.Dir(file))
	if _, err := cfg.GetScrapeConfigs(); err != nil {
		return nil, scrapeFileError(file, err)
	}
	return cfg, checkRules(file, cfg, logger)
}

func readConfig(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.Errorf("check the path; the smallest valid file is empty", "%s: no such configuration file", file)
	case errors.As(err, &path):
		return nil, hint.Errorf("check the path and the file's rights", "%s: configuration file cannot be read: %w", file, path.Err)
	}
	return content, err
}

// ruleFiles returns the files that the patterns of rule_files match now, each once.
func ruleFiles(cfg *config.Config) ([]string, error) {
	var files []string
	for _, pattern := range cfg.RuleFiles {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return nil, hint.Errorf("write it as a path with * ? or […]", "rule_files: pattern %q: %w", pattern, err)
		}
		files = append(files, matches...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func checkRules(file string, cfg *config.Config, logger *slog.Logger) error {
	files, err := ruleFiles(cfg)
	if err != nil {
		return configError(file, nil, err)
	}
	var errs []error
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			errs = append(errs, hint.Errorf("check the file's rights", "%s: rule file cannot be read: %w", f, errors.Unwrap(err)))
			continue
		}
		_, found := rulefmt.Parse(content, false, cfg.GlobalConfig.MetricNameValidationScheme, newParser(), logger)
		for _, err := range found {
			errs = append(errs, configError(f, content, err))
		}
	}
	return joinLines(errs)
}

func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// fillConfig fills what the file leaves to the server: limits, retention, exemplars.
func (o *Options) fillConfig(cfg *config.Config) {
	o.Limits.apply(cfg)
	if r := cfg.StorageConfig.TSDBConfig.Retention; *r == (config.TSDBRetentionConfig{}) {
		r.Time, r.Size = model.Duration(o.Retention.Time), units.Base2Bytes(o.Retention.Size)
	}
	if cfg.StorageConfig.ExemplarsConfig == nil {
		// Never nil: the database reads it without looking.
		cfg.StorageConfig.ExemplarsConfig = &config.ExemplarsConfig{MaxExemplars: o.MaxExemplars}
	}
}

// maxBlockDuration is a tenth of the retention, at most 31 days, as in Prometheus: what expires does so in whole blocks.
func maxBlockDuration(retention time.Duration) time.Duration {
	const month = 31 * 24 * time.Hour
	if retention <= 0 {
		return month
	}
	return min(retention/10, month)
}
