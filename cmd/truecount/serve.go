package main

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/app"
	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
)

const serveHelp = `Runs a Prometheus configuration as it is: scraping, storage, PromQL, rules, the HTTP API, and the query and targets pages.
Flags are named as Prometheus names them. Targets that set no limits of their own get some that are not zero.

Examples:
  truecount serve --config.file prometheus.yml
  truecount serve --config.file prometheus.yml --storage.tsdb.path data --web.enable-lifecycle

SIGHUP reads the configuration again; so does POST /-/reload with --web.enable-lifecycle.`

type serveFlags struct {
	logging
	config, data, listen, externalURL, retention string
	hosts                                        []string
	lifecycle                                    bool
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve --config.file FILE",
		Short: "run a Prometheus configuration",
		Long:  serveHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd, "info")
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config.file", "prometheus.yml", "Prometheus configuration `FILE`")
	flags.StringVar(&f.config, "config", "prometheus.yml", "the same as --config.file")
	flags.StringVar(&f.data, "storage.tsdb.path", "data", "`DIRECTORY` that keeps the samples")
	flags.StringVar(&f.retention, "storage.tsdb.retention.time", "15d", "`DURATION` that samples are kept")
	flags.StringVar(&f.listen, "web.listen-address", defaultListen, "`ADDRESS` of the pages and the API; port 0 takes a free one")
	flags.StringVar(&f.externalURL, "web.external-url", "", "`URL` by which users reach the pages, for links in alerts")
	flags.StringArrayVar(&f.hosts, "web.host", nil, "host `NAME` by which browsers may reach the pages, beside this machine's loopback names")
	flags.BoolVar(&f.lifecycle, "web.enable-lifecycle", false, "let POST /-/reload read the configuration again")
	flags.MarkHidden("config")
	return cmd
}

func (f *serveFlags) run(cmd *cobra.Command) error {
	logger, err := f.logger(cmd)
	if err != nil {
		return err
	}
	retention, err := model.ParseDuration(f.retention)
	if err != nil {
		return hint.Errorf("write it as 15d or 36h", "--storage.tsdb.retention.time: %w", err)
	}
	local := application.DefaultLocal()
	local.Retention = application.Duration(time.Duration(retention))
	hangups, stop := notifyHangup()
	defer stop()
	return runApp(cmd.Context(), cmd, app.Options{
		Listen:          f.listen,
		DataDir:         f.data,
		ConfigFile:      f.config,
		Local:           local,
		EnableLifecycle: f.lifecycle,
		ExternalURL:     f.externalURL,
		Hosts:           f.hosts,
		Version:         buildVersion(),
		Logger:          logger,
	}, hangups)
}
