package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/metricrule"
	"github.com/truecount/truecount/internal/scale/migrate"
)

const migrateHelp = `Says what a configuration of prometheus-adapter would serve here, what differs and why. It changes nothing.

FILE is a configuration file, values of prometheus-adapter's chart, a ConfigMap with either, or manifests of
HorizontalPodAutoscalers of any version, as kubectl get -o yaml prints them; - is standard input. Autoscalers are
converted to autoscaling/v2, and each of their metrics is told whether the rules serve it. With --prometheus-url the metrics are
those of the series that there are; without it each rule is shown with a series as it might be.

Examples:
  truecount-adapter migrate config.yaml
  truecount-adapter migrate config.yaml hpa.yaml --prometheus-url http://prometheus:9090
  truecount-adapter migrate config.yaml hpa.yaml -o json
  truecount-adapter migrate hpa.yaml -o manifests

What each difference is about: docs/reference/adapter-rules.md. The exit code is 0 also when there are differences.`

type migrateFlags struct {
	prometheus prometheusFlags
	maxAge     time.Duration
	output     string
}

func newMigrate() *cobra.Command {
	var f migrateFlags
	cmd := &cobra.Command{
		Use:   "migrate FILE...",
		Short: "say what a prometheus-adapter configuration would serve, and what differs",
		Long:  migrateHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hint.Errorf("see: truecount-adapter migrate --help", "want a file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	sections(cmd,
		section{"Migrate", func(set *pflag.FlagSet) {
			set.StringVarP(&f.output, "output", "o", "text", "`FORMAT` of the report: text, json, or manifests for the converted autoscalers alone")
			set.DurationVar(&f.maxAge, "metrics-max-age", 10*time.Minute, "`TIME` for which series are asked")
		}},
		section{"Prometheus", f.prometheus.register},
	)
	return cmd
}

func (f *migrateFlags) run(cmd *cobra.Command, paths []string) error {
	if !slices.Contains([]string{"text", "json", "manifests"}, f.output) {
		return hint.Errorf("use text, json or manifests", "--output: %q is no format", f.output)
	}
	files, err := readAll(paths, cmd.InOrStdin())
	if err != nil {
		return err
	}
	plan, err := migrate.Read(metricrule.Options{}, files...)
	if err != nil {
		return err
	}
	var found map[metricrule.Discovery]*metricrule.Found
	if cmd.Flags().Changed("prometheus-url") {
		if found, err = f.series(cmd.Context(), plan.Rules); err != nil {
			return err
		}
	}
	report, err := plan.Report(metricrule.KnownResources(), found)
	if err != nil {
		return err
	}
	switch out := cmd.OutOrStdout(); f.output {
	case "manifests":
		_, err := io.WriteString(out, report.Manifests())
		return err
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(report)
	default:
		return report.Text(out)
	}
}

// readAll reads files; - is standard input.
func readAll(paths []string, stdin io.Reader) ([]migrate.File, error) {
	var files []migrate.File
	for _, path := range paths {
		name, data, err := path, []byte(nil), error(nil)
		if path == "-" {
			name = "standard input"
			data, err = io.ReadAll(io.LimitReader(stdin, maxInput+1))
		} else {
			data, err = os.ReadFile(path)
		}
		switch {
		case err != nil:
			return nil, hint.Errorf("give the path of a file that can be read", "%w", err)
		case len(data) > maxInput:
			return nil, hint.Errorf("give it in parts", "%s is larger than %d MiB", name, maxInput>>20)
		}
		files = append(files, migrate.File{Name: name, Data: data})
	}
	return files, nil
}

const maxInput = 16 << 20

// series asks which series there are. What a server does not answer ends the command: a report of half the series would be read as a
// report of all.
func (f *migrateFlags) series(ctx context.Context, set *metricrule.Set) (map[metricrule.Discovery]*metricrule.Found, error) {
	clients, err := f.prometheus.clients(patience, func(_ string, next http.RoundTripper) http.RoundTripper { return next }, func(string, string) {})
	if err != nil {
		return nil, err
	}
	defer closeAll(clients)
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range set.Discoveries() {
		client, known := clients[d.Server]
		if !known {
			return nil, hint.Errorf("give --prometheus-server "+d.Server+"=URL", "there is no server %s", d.Server)
		}
		all, now := &metricrule.Found{}, time.Now()
		ctx, cancel := within(ctx)
		err := client.Series(ctx, []string{d.Matcher}, now.Add(-f.maxAge), now, func(series labels.Labels) error {
			all.Add(series)
			return nil
		})
		cancel()
		if err != nil {
			advice := hint.Of(err)
			if advice == "" {
				advice = "without --prometheus-url each rule is shown with a series as it might be"
			}
			return nil, hint.Errorf(advice, "asking which series there are of %s: %w", d.Matcher, err)
		}
		found[d] = all
	}
	return found, nil
}
