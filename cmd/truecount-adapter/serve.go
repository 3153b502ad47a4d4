package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricsapi"
)

const serveHelp = `Serves the custom metrics API. It is what the program does without a command.

Examples:
  truecount-adapter serve --config config.yaml --prometheus-url http://prometheus:9090
  truecount-adapter serve --application apps/ --prometheus-url http://prometheus:9090 --tls-cert-file tls.crt --tls-private-key-file tls.key

Paths, all with TLS and, but for probes, for those whom the cluster allows:
  /apis/custom.metrics.k8s.io     v1beta1 and v1beta2
  /apis/external.metrics.k8s.io   v1beta1, with --external-metrics
  /metrics                        what the adapter says of itself: truecount_adapter_…
  /readyz, /livez, /healthz       probes; none of them asks Prometheus. Ready is who has asked once which series there are; a server
                                  that says nothing for 30s is not waited for

Standard output gets the line "ready: URL"; the log goes to standard error.`

// serveFlags are what serving takes.
type serveFlags struct {
	rules      rulesFlags
	prometheus prometheusFlags
	values     valuesFlags
	cluster    clusterFlags
	serving    servingFlags
	log        logFlags
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the API (what the program does without a command)",
		Long:  serveHelp,
		Args:  adapterOrNothing,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd)
	return cmd
}

func (f *serveFlags) register(cmd *cobra.Command) {
	sections(cmd,
		section{"Rules", f.rules.register},
		section{"Prometheus", f.prometheus.register},
		section{"Values", f.values.register},
		section{"Cluster", f.cluster.register},
		section{"Serving", f.serving.register},
		section{"Log", f.log.register},
	)
}

func (f *serveFlags) run(cmd *cobra.Command) error {
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	logger, err := f.log.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := f.values.check(); err != nil {
		return err
	}
	config, err := f.cluster.config()
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(buildInfo())
	metrics, err := metricsapi.NewMetrics(registry)
	if err != nil {
		return err
	}
	clients, err := f.prometheus.clients(f.values.listTimeout(), metrics.Transport, func(server, text string) {
		logger.Warn("the Prometheus server remarks", "server", server, "warning", text)
	})
	if err != nil {
		return err
	}
	defer closeAll(clients)
	server, err := f.serving.server(config, f.values.external)
	if err != nil {
		return err
	}
	options, err := f.options(config, clients, logger)
	if err != nil {
		return err
	}
	options.Metrics, options.Registerer = metrics, registry
	api, err := metricsapi.New(options)
	if err != nil {
		return err
	}
	if err := api.Install(server); err != nil {
		return err
	}
	server.Handler.NonGoRestfulMux.Handle("/metrics", promhttp.HandlerFor(prometheus.Gatherers{registry, legacyregistry.DefaultGatherer},
		promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))

	ended := make(chan error, 1)
	// Values are answered until the last request is: the API ends after the server.
	running, stopAPI := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAPI()
	go func() { ended <- api.Run(running) }()
	prepared := server.PrepareRun()
	fmt.Fprintf(cmd.OutOrStdout(), "ready: https://%s\n", server.SecureServingInfo.Listener.Addr())
	err = prepared.RunWithContext(ctx)
	stopAPI()
	if apiErr := <-ended; err == nil {
		err = apiErr
	}
	return err
}

// options turns flags into what the API takes.
func (f *serveFlags) options(config *rest.Config, clients map[string]*promapi.Client, logger *slog.Logger) (metricsapi.Options, error) {
	o := metricsapi.Options{
		Servers:          map[string]metricsapi.Prometheus{},
		Files:            f.rules.files(),
		Applications:     f.rules.applications,
		Namespaces:       f.rules.namespaces,
		ConfigMapServers: f.rules.servers,
		External:         f.values.external,
		RelistInterval:   f.values.relist,
		SeriesMaxAge:     f.values.seriesMaxAge(),
		ValueTimeout:     f.values.timeout,
		ValueMaxAge:      f.values.maxAge,
		MaxRequests:      f.serving.requests,
		ResourcesEvery:   f.cluster.discovery,
		Logger:           logger,
	}
	for name, client := range clients {
		o.Servers[name] = client
	}
	var err error
	if o.ConfigMaps, err = f.rules.selector(); err != nil {
		return o, err
	}
	urls, err := f.prometheus.urls()
	if err != nil {
		return o, err
	}
	if err := f.rules.checkServers(urls); err != nil {
		return o, err
	}
	client, err := rest.HTTPClientFor(config) // one pool of connections for all
	if err != nil {
		return o, err
	}
	if o.Kubernetes, err = kubernetes.NewForConfigAndClient(config, client); err != nil {
		return o, err
	}
	if o.Metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(config), client); err != nil {
		return o, err
	}
	discover, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return o, err
	}
	o.Resources, err = metricsapi.NewResources(discover, logger)
	return o, err
}

func closeAll(clients map[string]*promapi.Client) {
	for _, c := range clients {
		c.Close()
	}
}

// buildInfo is truecount_adapter_build_info; Go's and the process' own metrics come from Kubernetes' registry.
func buildInfo() prometheus.Collector {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "truecount_adapter_build_info", Help: "Always 1; the label says which version runs.", ConstLabels: prometheus.Labels{"version": buildVersion()},
	})
	gauge.Set(1)
	return gauge
}
