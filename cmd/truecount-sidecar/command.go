package main

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge/cli"
)

const help = `Reads the metrics of every worker process of a replica and serves their totals as one page: counters and histograms
never go down when a worker ends or is replaced. Workers serve their metrics on a range of ports or on unix sockets in a directory,
or write them to the multiprocess directory of Python's client (PROMETHEUS_MULTIPROC_DIR).

Examples:
  truecount-sidecar --ports 5001-5005
  truecount-sidecar --ports 5001-5005 --listen 0.0.0.0:9300
  truecount-sidecar --sockets /run/metrics --state /var/lib/truecount/clicks.state
  truecount-sidecar --python-dir /run/prometheus
  truecount-sidecar --python-dir /run/prometheus --gauges gauges.yml
  truecount-sidecar --python-dir /run/prometheus --listen 0.0.0.0:9300 --web-config web.yml

Paths:
  /metrics     the totals, and truecount_merge_…: what the sidecar says of itself; 503 until a worker has been read
  /-/healthy   200 while it runs

With --web-config every path asks for what the file asks for. The file is read again at each request: a new password needs no
restart.

Standard output gets the line "ready: URL"; the log goes to standard error.`

// flags are what the command line says.
type flags struct {
	workers             cli.Workers
	state               string
	compact             bool
	listen              string
	web                 webFlags
	limits              limitFlags
	interval, timeout   time.Duration
	grace               time.Duration // nobody sets it but tests
	logLevel, logFormat string
}

func newCommand() *cobra.Command { return (&flags{grace: defaultGrace}).command() }

func (f *flags) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "truecount-sidecar --ports FIRST-LAST | --sockets DIRECTORY | --python-dir DIRECTORY",
		Short:         "one truthful /metrics for the workers of a replica",
		Long:          help,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return hint.Errorf("see: truecount-sidecar --help", "unexpected argument %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return hint.Errorf("see: truecount-sidecar --help", "%w", err)
	})
	set := cmd.Flags()
	set.SortFlags = false
	f.workers.Register(set)
	set.StringVar(&f.state, "state", "", "`FILE` that keeps what is counted over restarts of the sidecar, in a directory that stays")
	set.BoolVar(&f.compact, "compact", false, "with --python-dir and --state: delete the files of dead workers when what they counted is in the state file")
	set.StringVar(&f.listen, "listen", "127.0.0.1:9300", "`ADDRESS` to serve the totals on; port 0 takes a free one")
	f.web.register(set)
	set.DurationVar(&f.interval, "interval", 250*time.Millisecond, "`TIME` between two readings: a worker on a port or socket that is killed loses what it counted since the last")
	set.DurationVar(&f.timeout, "timeout", time.Second, "`TIME` that a worker has for its answer")
	f.limits.register(set)
	set.StringVar(&f.logLevel, "log.level", "info", "`LEVEL` of the least severe log lines to print: debug, info, warn or error")
	set.StringVar(&f.logFormat, "log.format", "logfmt", "`FORMAT` of log lines: logfmt or json")
	return cmd
}

func (f *flags) run(cmd *cobra.Command) error {
	logger, err := f.logger(cmd)
	if err != nil {
		return err
	}
	for name, d := range map[string]time.Duration{"interval": f.interval, "timeout": f.timeout} {
		if d <= 0 {
			return hint.Errorf("write it as 250ms or 1s", "--%s: %v is no length of time", name, d)
		}
	}
	if err := f.limits.check(); err != nil {
		return err
	}
	web, err := f.web.config(logger)
	if err != nil {
		return err
	}
	merger, err := f.merger(logger)
	if err != nil {
		return err
	}
	return serve(cmd.Context(), options{
		merger: merger, listen: f.listen, web: web, scrapes: f.limits.scrapes, grace: f.grace, logger: logger,
		ready: func(url string) { fmt.Fprintf(cmd.OutOrStdout(), "ready: %s\n", url) },
	})
}

func (f *flags) logger(cmd *cobra.Command) (*slog.Logger, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(f.logLevel); err != nil {
		return nil, hint.Errorf("use debug, info, warn or error", "--log.level: %q is not a level", f.logLevel)
	}
	if err := format.Set(f.logFormat); err != nil {
		return nil, hint.Errorf("use logfmt or json", "--log.format: %q is not a format", f.logFormat)
	}
	return promslog.New(&promslog.Config{Level: level, Format: format, Writer: cmd.ErrOrStderr()}), nil
}

// buildVersion names the module's version or commit and the Go release, from what the Go command recorded in the binary.
func buildVersion() string {
	version, revision := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = " " + setting.Value[:min(12, len(setting.Value))]
			}
		}
	}
	return fmt.Sprintf("%s%s (%s %s/%s)", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
