package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/cli"
	"github.com/truecount/truecount/internal/merge/exposition"
	"github.com/truecount/truecount/internal/merge/pydir"
)

const mergeHelp = `Reads the metrics of all workers of a replica once and prints their totals. What is there counts: workers that answer, and
in the directory of Python's client every file, as in the client's own merge, whether its process still runs or not. Nothing is
remembered and nothing is changed.

Examples:
  truecount merge --python-dir /run/prometheus
  truecount merge --python-dir /run/prometheus -o json
  truecount merge --ports 5001-5005 --gauges gauges.yml
  truecount merge --sockets /run/metrics -o openmetrics

A worker that is about to end hands its last totals to whoever asks it: where truecount-sidecar or "truecount up" reads the same
ports or sockets, ask that one.

Workers and files that could not be read are named on standard error, and the others printed. If there are no others, that is an
error. The JSON is described in docs/reference/merge-json.md.`

// mergeFlags are what the command line of merge says.
type mergeFlags struct {
	logging
	workers cli.Workers
	output  string
	timeout time.Duration
}

func newMerge() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:   "merge --ports FIRST-LAST | --sockets DIRECTORY | --python-dir DIRECTORY",
		Short: "print the metrics of several workers as one",
		Long:  mergeHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.workers.Register(cmd.Flags())
	f.register(cmd, "warn")
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "`FORMAT` to print: text, openmetrics or json")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Second, "`TIME` that a worker has for its answer")
	return cmd
}

// write prints families in a format.
type write func(io.Writer, merge.Totals) error

func (f *mergeFlags) run(cmd *cobra.Command) error {
	write, err := f.format()
	if err != nil {
		return err
	}
	if f.timeout <= 0 {
		return hint.Errorf("write it as 250ms or 1s", "--timeout: %v is no length of time", f.timeout)
	}
	logger, err := f.logger(cmd)
	if err != nil {
		return err
	}
	merger, err := f.merger(logger)
	if err != nil {
		return err
	}
	defer merger.Close()
	if err := merger.Read(cmd.Context()); err != nil {
		return err
	}
	totals := merger.Totals() // of whoever could be read: the others are in the log
	if totals.Unread != "" {
		return hint.Errorf("is this where the workers are, and do they run?", "%s", totals.Unread)
	}
	return write(cmd.OutOrStdout(), totals)
}

// oneMerge is a merge of either kind.
type oneMerge interface {
	merge.Replica
	Read(context.Context) error
	Close()
}

func (f *mergeFlags) merger(logger *slog.Logger) (oneMerge, error) {
	if err := f.workers.Check("truecount merge"); err != nil {
		return nil, err
	}
	gauges, err := f.workers.GaugeModes()
	if err != nil {
		return nil, err
	}
	if f.workers.PythonDir != "" {
		return pydir.New(pydir.Options{Dir: f.workers.PythonDir, SharedPIDs: f.workers.SharedPIDs, Gauges: gauges, Logger: logger})
	}
	source, err := f.workers.Source()
	if err != nil {
		return nil, err
	}
	return merge.New(merge.Options{Source: source, Timeout: f.timeout, Gauges: gauges, Logger: logger})
}

func (f *mergeFlags) format() (write, error) {
	as := func(format expfmt.Format) write {
		return func(out io.Writer, t merge.Totals) error {
			page, err := exposition.NewSnapshot(t.Families, nil).Body(exposition.Variant{Format: format})
			if err != nil {
				return err
			}
			_, err = out.Write(page)
			return err
		}
	}
	switch f.output {
	case "text":
		return as(expfmt.NewFormat(expfmt.TypeTextPlain)), nil
	case "openmetrics":
		return as(expfmt.NewFormat(expfmt.TypeOpenMetrics)), nil
	case "json":
		return func(out io.Writer, t merge.Totals) error { return exposition.JSON(out, t.Families) }, nil
	}
	return nil, hint.Errorf("use text, openmetrics or json", "-o: %q is no format", f.output)
}
