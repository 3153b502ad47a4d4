package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"

	"github.com/truecount/truecount/internal/hint"
)

// section is a group of flags in the help.
type section struct {
	title    string
	register func(*pflag.FlagSet)
}

// sections gives a command its flags, and a help that shows them in groups.
func sections(cmd *cobra.Command, all ...section) {
	var usage strings.Builder
	for _, s := range all {
		set := pflag.NewFlagSet(s.title, pflag.ContinueOnError)
		set.SortFlags = false
		s.register(set)
		cmd.Flags().AddFlagSet(set)
		fmt.Fprintf(&usage, "\n%s:\n%s", s.title, set.FlagUsages())
	}
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		out := c.OutOrStdout()
		if c != cmd { // commands with few flags inherit this from the one above
			_, err := fmt.Fprintf(out, "Usage:\n  %s\n\nFlags:\n%s", c.UseLine(), c.LocalFlags().FlagUsages())
			return err
		}
		fmt.Fprintf(out, "Usage:\n  %s\n", c.UseLine())
		if c.HasAvailableSubCommands() {
			fmt.Fprintf(out, "  %s COMMAND\n\nCommands:\n", c.CommandPath())
			for _, sub := range c.Commands() {
				if sub.IsAvailableCommand() {
					fmt.Fprintf(out, "  %-12s %s\n", sub.Name(), sub.Short)
				}
			}
		}
		_, err := io.WriteString(out, usage.String())
		return err
	})
}

// rulesFlags say where the rules are.
type rulesFlags struct {
	config       string
	applications []string
	selectorText string
	namespaces   []string
	servers      []string
}

func (f *rulesFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.config, "config", "", "`FILE` of prometheus-adapter's configuration, or of its chart's values; read again when it changes")
	set.StringArrayVar(&f.applications, "application", nil, "application `FILE`, or a folder of them, whose signals are metrics in their namespaces; read again when they change; repeatable")
	set.StringVar(&f.selectorText, "config-map-selector", "",
		"label `SELECTOR` of ConfigMaps with rules or applications, each for its own namespace, as truecount/rules=true; left out, none are read")
	set.StringSliceVar(&f.namespaces, "config-map-namespaces", nil, "`NAMESPACES` to look for them in; left out, all")
	set.StringSliceVar(&f.servers, "config-map-servers", nil,
		"`NAMES` of servers of --prometheus-server that rules in them may name, too: in each the label namespace must mean this cluster's namespaces; left out, none")
}

func (f *rulesFlags) files() []string {
	if f.config == "" {
		return nil
	}
	return []string{f.config}
}

// selector is nil if no ConfigMaps are to be read.
func (f *rulesFlags) selector() (labels.Selector, error) {
	if f.selectorText == "" {
		const advice = "give --config-map-selector truecount/rules=true, too"
		if len(f.namespaces) > 0 {
			return nil, hint.Errorf(advice, "--config-map-namespaces without --config-map-selector chooses no ConfigMaps")
		}
		if len(f.servers) > 0 {
			return nil, hint.Errorf(advice, "--config-map-servers without --config-map-selector is for no ConfigMaps")
		}
		return nil, nil
	}
	s, err := labels.Parse(f.selectorText)
	if err != nil {
		return nil, hint.Errorf("write it as truecount/rules=true", "--config-map-selector: %w", err)
	}
	if s.Empty() {
		return nil, hint.Errorf("write it as truecount/rules=true", "--config-map-selector chooses every ConfigMap of the cluster")
	}
	return s, nil
}

// checkServers says which of the servers that ConfigMaps may name is none; urls are those that there are by their names.
func (f *rulesFlags) checkServers(urls map[string]string) error {
	for _, name := range f.servers {
		if _, known := urls[name]; !known || name == "" {
			return hint.Errorf("give --prometheus-server NAME=URL, too; the server of --prometheus-url is allowed without it", "--config-map-servers: there is no server %q", name)
		}
	}
	return nil
}

// valuesFlags bound what is asked and answered.
type valuesFlags struct {
	relist, maxSeriesAge time.Duration
	timeout, maxAge      time.Duration
	external             bool
}

func (f *valuesFlags) register(set *pflag.FlagSet) {
	set.DurationVar(&f.relist, "metrics-relist-interval", 10*time.Minute, "`TIME` after which the servers are asked again which series there are; a metric that is asked for and not there is looked for sooner")
	set.DurationVar(&f.maxSeriesAge, "metrics-max-age", 0, "`TIME` for which series are asked: one without samples in it is gone; left out, that of --metrics-relist-interval, but not less than 10m")
	set.DurationVar(&f.timeout, "value-timeout", 5*time.Second, "`TIME` that an answer may take from when its request came; then it is an error")
	set.DurationVar(&f.maxAge, "value-max-age", 5*time.Minute, "`AGE` beyond which a sample is no value any more")
	set.BoolVar(&f.external, "external-metrics", false, "serve external.metrics.k8s.io, too; a cluster has one server for it, which may be KEDA's")
}

func (f *valuesFlags) check() error {
	for name, d := range map[string]time.Duration{"metrics-relist-interval": f.relist, "value-timeout": f.timeout, "value-max-age": f.maxAge} {
		if d <= 0 {
			return hint.Errorf("write it as 30s or 10m", "--%s: %v is no length of time", name, d)
		}
	}
	if f.maxSeriesAge != 0 && f.maxSeriesAge < f.relist {
		return hint.Errorf("give more, or leave it out", "--metrics-max-age %v is less than --metrics-relist-interval %v: series would come and go", f.maxSeriesAge, f.relist)
	}
	return nil
}

// leastSeriesAge is for how long a metric stays in discovery after its last sample, unless somebody wants less: with
// prometheus-adapter's default, the interval itself, metrics come and go with every short gap.
const leastSeriesAge = 10 * time.Minute

func (f *valuesFlags) seriesMaxAge() time.Duration {
	if f.maxSeriesAge != 0 {
		return f.maxSeriesAge
	}
	return max(f.relist, leastSeriesAge)
}

// listTimeout bounds a request for series, which may take longer than one for values.
func (f *valuesFlags) listTimeout() time.Duration { return max(30*time.Second, f.timeout) }

// logFlags are the project's, and Kubernetes' own as far as they are in use.
type logFlags struct {
	level, format string
	verbosity     int
}

// ignored are flags of prometheus-adapter and of Kubernetes' logging that mean nothing here: deployments that have them start.
var ignored = []struct{ name, value, why string }{
	{"client-qps", "0", "requests to the API server have no limit of ours"},
	{"client-burst", "0", "requests to the API server have no limit of ours"},
	{"logtostderr", "true", "the log goes to standard error"},
	{"alsologtostderr", "false", "the log goes to standard error"},
	{"stderrthreshold", "0", "the log goes to standard error"},
	{"log-flush-frequency", "5s", "the log is not held back"},
	{"vmodule", "", "use --log.level"},
	{"logging-format", "text", "use --log.format"},
}

func (f *logFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.level, "log.level", "info", "`LEVEL` of the least severe log lines to print: debug, info, warn or error")
	set.StringVar(&f.format, "log.format", "logfmt", "`FORMAT` of log lines: logfmt or json")
	set.IntVarP(&f.verbosity, "v", "v", 0, "`NUMBER` for what the Kubernetes libraries log, more with a higher one")
	for _, flag := range ignored {
		set.String(flag.name, flag.value, flag.why)
		if flag.name == "logtostderr" || flag.name == "alsologtostderr" {
			set.Lookup(flag.name).NoOptDefVal = "true"
		}
		set.Lookup(flag.name).Hidden = true
	}
}

func (f *logFlags) logger(out io.Writer) (*slog.Logger, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(f.level); err != nil {
		return nil, hint.Errorf("use debug, info, warn or error", "--log.level: %q is not a level", f.level)
	}
	if err := format.Set(f.format); err != nil {
		return nil, hint.Errorf("use logfmt or json", "--log.format: %q is not a format", f.format)
	}
	logger := promslog.New(&promslog.Config{Level: level, Format: format, Writer: out})
	klog.SetSlogLogger(logger.With("component", "kubernetes"))
	var verbosity klog.Level
	return logger, verbosity.Set(fmt.Sprint(f.verbosity))
}
