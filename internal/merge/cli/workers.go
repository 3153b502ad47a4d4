package cli

import (
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
)

// mostWorkers is how many a merge reads; more would be left out in silence.
const mostWorkers = 256

// Workers are the flags that say where workers are. Call Check before anything else.
type Workers struct {
	Ports, Host, Sockets string
	PythonDir            string
	SharedPIDs           bool
	Gauges               string

	set *pflag.FlagSet
}

// Register adds the flags to a set.
func (w *Workers) Register(set *pflag.FlagSet) {
	w.set = set
	set.StringVar(&w.Ports, "ports", "", "`RANGE` of the workers' metrics ports, for instance 5001-5005")
	set.StringVar(&w.Host, "host", "127.0.0.1", "`ADDRESS` of those ports")
	set.StringVar(&w.Sockets, "sockets", "", "`DIRECTORY` of the workers' metrics sockets, *.sock")
	set.StringVar(&w.PythonDir, "python-dir", "", "`DIRECTORY` to which Python's client writes, *.db (PROMETHEUS_MULTIPROC_DIR)")
	set.BoolVar(&w.SharedPIDs, "shared-pids", false, "with --python-dir: the workers' pids mean something here (shareProcessNamespace: true), and one that is gone is dead")
	set.StringVar(&w.Gauges, "gauges", "", "`FILE` that says how gauges of several workers become one, a line each, as queue_length: max; sum, min, max, mostrecent or all")
}

// Check says what is wrong with the flags together.
func (w *Workers) Check(command string) error {
	ways := 0
	for _, way := range []string{w.Ports, w.Sockets, w.PythonDir} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways == 0:
		return hint.Errorf(command+" --ports 5001-5005, or --sockets DIRECTORY, or --python-dir DIRECTORY", "it is not said where the workers are")
	case ways > 1:
		return hint.Errorf("give one of them", "--ports, --sockets and --python-dir are ways to find the same workers")
	case w.Ports == "" && w.set.Changed("host"):
		return hint.Errorf("leave it out", "--host is the address of --ports, which are not given")
	case w.PythonDir == "" && w.SharedPIDs:
		return hint.Errorf("leave it out", "--shared-pids is for the files of --python-dir, which is not given")
	}
	return nil
}

// GaugeModes reads the file of --gauges.
func (w *Workers) GaugeModes() (map[string]merge.GaugeMode, error) {
	if w.Gauges == "" {
		return nil, nil
	}
	return merge.LoadGauges(w.Gauges)
}

// Source is where workers are that serve their metrics.
func (w *Workers) Source() (merge.Source, error) {
	if w.Sockets != "" {
		if info, err := os.Stat(w.Sockets); err != nil || !info.IsDir() {
			return nil, hint.Errorf("workers create their sockets in an existing directory (TRUECOUNT_METRICS_DIR)", "--sockets: %s is not a directory", w.Sockets)
		}
		return endpoints.Dir(w.Sockets), nil
	}
	first, count, err := parsePorts(w.Ports)
	if err != nil {
		return nil, err
	}
	return endpoints.Ports(w.Host, first, count)
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
		return 0, 0, hint.Errorf("give the ports of one replica", "--ports: %q are %d ports, and at most %d workers are merged", text, last-first+1, mostWorkers)
	}
	return first, last - first + 1, nil
}
