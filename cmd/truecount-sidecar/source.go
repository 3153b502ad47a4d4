package main

import (
	"log/slog"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/state"
)

// merger merges the workers that the flags name.
func (f *flags) merger(logger *slog.Logger) (merger, error) {
	if err := f.workers.Check("truecount-sidecar"); err != nil {
		return nil, err
	}
	switch {
	case f.workers.PythonDir == "" && f.compact:
		return nil, hint.Errorf("leave it out", "--compact is for the files of --python-dir, which is not given")
	case f.compact && f.state == "":
		return nil, hint.Errorf("give --state FILE, in a directory that outlives the sidecar", "--compact: files are not deleted while nothing keeps what they counted")
	}
	gauges, err := f.workers.GaugeModes()
	if err != nil {
		return nil, err
	}
	if f.workers.PythonDir != "" {
		return pydir.New(pydir.Options{
			Dir: f.workers.PythonDir, Interval: f.interval, State: f.state, SharedPIDs: f.workers.SharedPIDs, Compact: f.compact,
			Gauges: gauges, Limits: f.limits.ofDirectory(), Process: true, Logger: logger,
		})
	}
	source, err := f.workers.Source()
	if err != nil {
		return nil, err
	}
	o := merge.Options{
		Source: source, Interval: f.interval, Timeout: f.timeout, Gauges: gauges, Limits: f.limits.ofEndpoints(), Process: true, Logger: logger,
	}
	if f.state != "" {
		file, err := state.Open(f.state, merge.StateKind)
		if err != nil {
			return nil, err
		}
		o.State = file
	}
	return merge.New(o)
}
