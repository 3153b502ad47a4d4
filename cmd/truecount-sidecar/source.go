package main

import (
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/state"
)

// mostWorkers is how many a merge reads; more would be left out in silence.
const mostWorkers = 256

// merger merges the workers that the flags name.
func (f *flags) merger(hostGiven bool, logger *slog.Logger) (merger, error) {
	ways := 0
	for _, way := range []string{f.ports, f.sockets, f.pythonDir} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways == 0:
		return nil, hint.Errorf("truecount-sidecar --ports 5001-5005, or --sockets DIRECTORY, or --python-dir DIRECTORY", "it is not said where the workers are")
	case ways > 1:
		return nil, hint.Errorf("give one of them", "--ports, --sockets and --python-dir are ways to find the same workers")
	case f.ports == "" && hostGiven:
		return nil, hint.Errorf("leave it out", "--host is the address of --ports, which are not given")
	case f.pythonDir == "" && (f.sharedPIDs || f.compact):
		return nil, hint.Errorf("leave them out", "--shared-pids and --compact are for the files of --python-dir, which is not given")
	case f.compact && f.state == "":
		return nil, hint.Errorf("give --state FILE, in a directory that outlives the sidecar", "--compact: files are not deleted while nothing keeps what they counted")
	case f.pythonDir != "":
		return pydir.New(pydir.Options{
			Dir: f.pythonDir, Interval: f.interval, State: f.state, SharedPIDs: f.sharedPIDs, Compact: f.compact, Process: true, Logger: logger,
		})
	}
	source, err := f.source()
	if err != nil {
		return nil, err
	}
	o := merge.Options{Source: source, Interval: f.interval, Timeout: f.timeout, Process: true, Logger: logger}
	if f.state != "" {
		file, err := state.Open(f.state, merge.StateKind)
		if err != nil {
			return nil, err
		}
		o.State = file
	}
	return merge.New(o)
}

// source is where workers that serve their metrics are.
func (f *flags) source() (merge.Source, error) {
	if f.sockets != "" {
		if info, err := os.Stat(f.sockets); err != nil || !info.IsDir() {
			return nil, hint.Errorf("workers create their sockets in an existing directory (TRUECOUNT_METRICS_DIR)", "--sockets: %s is not a directory", f.sockets)
		}
		return endpoints.Dir(f.sockets), nil
	}
	first, count, err := parsePorts(f.ports)
	if err != nil {
		return nil, err
	}
	return endpoints.Ports(f.host, first, count)
}

// parsePorts reads 5001-5005, or 5001 for one worker.
func parsePorts(text string) (first, count int, err error) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	switch {
	case err1 != nil || err2 != nil || first < 1 || last > 65535 || last < first:
		return 0, 0, hint.Errorf("write it as 5001-5005: METRICS_START_PORT, and METRICS_START_PORT + WEB_CONCURRENCY - 1", "--ports: %q is no range of ports", text)
	case last-first >= mostWorkers:
		return 0, 0, hint.Errorf("one sidecar stands beside the workers of one replica", "--ports: %q are %d ports, and at most %d workers are merged", text, last-first+1, mostWorkers)
	}
	return first, last - first + 1, nil
}
