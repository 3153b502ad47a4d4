package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/page"
)

const replayHelp = `Says what an autoscaler would have decided in the past, sync by sync, and why: a HorizontalPodAutoscaler's manifest or an
application file, over the history of any Prometheus-compatible server or over exported files.

Examples:
  truecount replay --hpa hpa.yaml --rules adapter.yaml --prometheus http://prometheus:9090 --from -7d
  truecount replay --hpa hpa.yaml --query 'clicks_per_second=sum by (pod) (rate(clicks_total[2m]))' --prometheus http://localhost:9090
  truecount replay -f truecount.yaml --local --prometheus http://localhost:9090 --from -10m
  truecount replay --hpa hpa.yaml --prometheus http://prometheus:9090 --from -7d --html replay.html \
      --what-if target=20m --what-if 'min=2,up=100%/15s,down.window=10m,name=calm'
  truecount replay --hpa hpa.yaml --history dump.txt --history 'clicks_per_second=answer.json'

The scenario "recorded" decides from the replicas and pods that there were: from recorded syncs (--syncs), kube-state-metrics,
truecount's own metrics, or else the pods that have samples. "simulated", and every --what-if, lets the autoscaler act: the measured load
is spread over simulated pods. What was read and what was assumed is told.

A setting of --what-if is one of target=20m, target.METRIC=20m, min=2, max=20, tolerance=0.2, up=4/15s, up=100%/15s, up=off,
up.window=60s, up.select=Min, up.tolerance=0.2, the same for down, behavior=FILE, behavior=none, name=TEXT.

A metric of type Resource is asked for as metrics-server counts it, from cAdvisor's and kube-state-metrics' series, where --query does not
say otherwise. --history reads OpenMetrics text with timestamps (promtool tsdb dump-openmetrics) and saved answers of
/api/v1/query_range. The JSON and the file of --syncs are described in docs/reference/replay.md.

The exit code is 0 when the past could be replayed, whatever was decided; with --strict it is 1 if a decision is not the recorded
controller's.`

type replayFlags struct {
	target   replayTarget
	source   replaySource
	from, to string
	sync     time.Duration
	syncs    string
	whatIfs  []string
	output   string
	rows     int
	html     string
	each     string
	strict   bool

	startup, maxAge, stabilization, flapWindow, initialReadiness, cpuInitialization time.Duration
	replicas                                                                        int32
	tolerance                                                                       float64
}

func newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay (--hpa FILE | -f FILE) (--prometheus URL | --history FILE)",
		Short: "say what an autoscaler would have decided in the past",
		Long:  replayHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.target.register(cmd)
	f.source.register(cmd)
	defaults := hpa.DefaultSettings()
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "`TIME` of the first sync: 2026-05-04T12:00:00Z, or -7d before now; one day back, or all of the files, if left out")
	flags.StringVar(&f.to, "to", "", "`TIME` of the last sync; now, or the end of the files, if left out")
	flags.DurationVar(&f.sync, "sync", replay.DefaultSync, "`TIME` between two decisions; with --local that of the file if left out")
	flags.StringVar(&f.syncs, "syncs", "", "`FILE` with a controller's recorded syncs: their instants, replicas and pods")
	flags.StringArrayVar(&f.whatIfs, "what-if", nil, "`SETTINGS` to try beside those of the file, as target=20m,min=2; may be given several times")
	flags.StringVarP(&f.output, "output", "o", "table", "`FORMAT` to print: table or json")
	flags.IntVar(&f.rows, "rows", 20, "`NUMBER` of changes that the table shows of each scenario")
	flags.StringVar(&f.html, "html", "", "`FILE` to write the report to as a page that needs nothing else")
	flags.StringVar(&f.each, "decisions", "", "`FILE` to write every decision to, one JSON object per line; - is standard output")
	flags.BoolVar(&f.strict, "strict", false, "fail if a decision is not the one that was recorded")
	flags.Int32Var(&f.replicas, "replicas", 0, "`NUMBER` that a simulation begins with; as recorded, or else the minimum, if left out")
	flags.DurationVar(&f.startup, "startup", replay.DefaultStartup, "`TIME` until a simulated pod serves")
	flags.DurationVar(&f.maxAge, "max-age", 5*time.Minute, "`TIME` after which a sample is too old")
	flags.DurationVar(&f.flapWindow, "flap-window", replay.DefaultFlapWindow, "`TIME` within which a change back is a flap")
	flags.Float64Var(&f.tolerance, "horizontal-pod-autoscaler-tolerance", defaults.Tolerance, "of the controller: `RATIO` that changes nothing")
	flags.DurationVar(&f.stabilization, "horizontal-pod-autoscaler-downscale-stabilization", defaults.DownscaleStabilization, "of the controller: `TIME` that a recommendation holds")
	flags.DurationVar(&f.initialReadiness, "horizontal-pod-autoscaler-initial-readiness-delay", defaults.InitialReadinessDelay, "of the controller: `TIME` after its start in which an unready pod has never been ready")
	flags.DurationVar(&f.cpuInitialization, "horizontal-pod-autoscaler-cpu-initialization-period", defaults.CPUInitialization, "of the controller: `TIME` after its start in which a pod's CPU may be skipped")
	return cmd
}

func (f *replayFlags) run(cmd *cobra.Command) error {
	if f.output != "table" && f.output != "json" {
		return hint.Errorf("use table or json", "-o: %q is no format", f.output)
	}
	target, err := f.target.load()
	if err != nil {
		return err
	}
	source, err := f.source.open(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer source.close()
	if target.local != nil {
		f.likeUp(cmd.Flags(), target.local)
	}
	options, err := f.options(cmd.Context(), target, source)
	if err != nil {
		return err
	}
	finish, err := f.writeEach(cmd, options)
	if err != nil {
		return err
	}
	report, err := replay.Run(cmd.Context(), source, *options)
	if err = errors.Join(err, finish()); err != nil {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), report); err != nil {
		return err
	}
	if f.strict {
		return agrees(report)
	}
	return nil
}

// likeUp takes what `truecount up` decides with on this machine, but for what is given.
func (f *replayFlags) likeUp(given *pflag.FlagSet, local *application.Local) {
	if !given.Changed("sync") {
		f.sync = local.SyncPeriod.Std()
	}
	if !given.Changed("horizontal-pod-autoscaler-downscale-stabilization") {
		f.stabilization = local.DownscaleStabilization.Std()
	}
}

// options puts the flags together.
func (f *replayFlags) options(ctx context.Context, t *scaled, source *openSource) (*replay.Options, error) {
	o := &replay.Options{
		Namespace: t.namespace, Name: t.name, Spec: t.spec, Sync: f.sync, MaxAge: f.maxAge, Startup: f.startup, Replicas: f.replicas, FlapWindow: f.flapWindow,
		Settings: hpa.Settings{
			Tolerance: f.tolerance, DownscaleStabilization: f.stabilization, InitialReadinessDelay: f.initialReadiness,
			CPUInitialization: f.cpuInitialization, ScaleToZero: true,
		},
	}
	for name, d := range map[string]time.Duration{"sync": f.sync, "startup": f.startup, "max-age": f.maxAge, "flap-window": f.flapWindow} {
		if d <= 0 {
			return nil, hint.Errorf("write it as 15s", "--%s: %s is no length of time", name, d)
		}
	}
	for _, text := range f.whatIfs {
		w, err := replay.ParseWhatIf(text, &o.Spec, os.ReadFile)
		if err != nil {
			return nil, err
		}
		o.WhatIfs = append(o.WhatIfs, w)
	}
	if err := f.times(o, source); err != nil {
		return nil, err
	}
	return o, f.target.questions(ctx, o, t, source)
}

// print writes the report where it was asked for.
func (f *replayFlags) print(out io.Writer, report *replay.Report) error {
	if f.html != "" {
		err := writeFile(f.html, func(file io.Writer) error { return page.Write(file, report) })
		if err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	if f.each == "-" {
		return nil // standard output is taken
	}
	if f.output == "json" {
		return replayJSON(out, report)
	}
	return replayTable(out, report, f.rows)
}

func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// agrees is what --strict asks for.
func agrees(report *replay.Report) error {
	for _, s := range report.Scenarios {
		if s.Agreement != nil {
			if differ := s.Agreement.Compared - s.Agreement.Same; differ > 0 {
				return hint.Errorf("-o json lists them", "%d of %d decisions are not those that were recorded", differ, s.Agreement.Compared)
			}
			return nil
		}
	}
	return hint.Errorf("they come from --syncs, kube-state-metrics or truecount itself", "there are no recorded decisions to compare with")
}
