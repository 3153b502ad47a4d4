package pydir

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/reading"
)

// Options configure a [Merger]. Only Dir is required.
type Options struct {
	Name       string                     // of the replica: in logs, and the label replica of its metrics on Registerer
	Dir        string                     // PROMETHEUS_MULTIPROC_DIR; it may be made later
	Interval   time.Duration              // between readings beside those of scrapes; 0 is 250 ms
	Limits     Limits                     // zero fields have defaults
	Gauges     map[string]merge.GaugeMode // by metric name, or *suffix, or prefix*; goes before the mode of the files
	SharedPIDs bool                       // the workers' pids are of this process' own namespace: one that is gone is dead
	State      string                     // the file that keeps what is counted over restarts of this process; "" is none
	Compact    bool                       // delete the files of dead workers when what they counted is in State
	Logger     *slog.Logger               // nil discards
	Registerer prometheus.Registerer
	Process    bool             // expose this process' own processor time, memory and files, as truecount_merge_process_…
	Now        func() time.Time // for ages and durations, called concurrently; nil is time.Now
}

// Limits bound what a Merger takes in. Zero fields have the defaults named.
type Limits struct {
	Worker    reading.Limits // of one file, as of a worker that answers: names, labels, help texts, series; [reading.DefaultLimits]
	Files     int            // held open; 4096, and fewer if the system allows no more. Of what is beyond it nothing is read
	Entries   int            // of the directory that are looked at; 200,000
	FileBytes int            // in use of one file; 64 MiB
	Retained  int            // numbers merged, live or not; 200,000
}

func (l Limits) orDefault() Limits {
	l.Worker = l.Worker.OrDefault()
	for _, f := range []struct {
		have *int
		want int
	}{{&l.Files, 4096}, {&l.Entries, 200_000}, {&l.FileBytes, 64 << 20}, {&l.Retained, 200_000}} {
		if *f.have == 0 {
			*f.have = f.want
		}
	}
	return l
}

func (o Options) orDefault() (Options, error) {
	if o.Dir == "" {
		return o, hint.Errorf("name the directory of PROMETHEUS_MULTIPROC_DIR", "merge %q: no directory", o.Name)
	}
	if o.Compact && o.State == "" {
		return o, hint.Errorf("name a file in a directory that outlives this process", "merge %q: files are not deleted while nothing keeps what they counted: no state file", o.Name)
	}
	if o.Interval < 0 {
		return o, hint.Errorf("leave it out for 250ms", "merge %q: the interval must not be negative", o.Name)
	}
	if o.Interval == 0 {
		o.Interval = 250 * time.Millisecond
	}
	o.Limits = o.Limits.orDefault()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, merge.CheckGauges(o.Gauges)
}
