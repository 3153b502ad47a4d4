package merge

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge/reading"
)

// Endpoint is where one worker serves its metrics.
type Endpoint struct {
	Network string // "unix" or "tcp"
	Address string // the socket's path, or host:port
	URL     string // what to ask for; "" is http://worker/metrics over that connection
}

func (e Endpoint) String() string {
	if e.URL != "" {
		return e.URL
	}
	return e.Address
}

// Source lists the endpoints there are now, in an order that stays. It is asked before each reading, one call at a time.
// After an error the list before stands.
type Source interface {
	Endpoints(ctx context.Context) ([]Endpoint, error)
}

// Options configure a [Merger]. Only Source is required.
type Options struct {
	Name       string               // of the replica: in logs, and the label replica of its metrics on Registerer
	Source     Source               // where workers are
	Interval   time.Duration        // between readings; 0 is 250 ms
	Timeout    time.Duration        // for one worker's whole answer; 0 is 1 s
	Limits     Limits               // zero fields have defaults
	Gauges     map[string]GaugeMode // by metric name, or *suffix, or prefix*; goes before the built-in table
	Logger     *slog.Logger         // nil discards
	Registerer prometheus.Registerer
	State      State            // what was counted survives a restart; nil: it doesn't. The Merger closes it
	Process    bool             // expose this process' own processor time, memory and files, as truecount_merge_process_…
	Now        func() time.Time // for ages and durations only, called concurrently; nil is time.Now
}

// Limits bound what a Merger takes in. Zero fields have the defaults named.
type Limits struct {
	Worker    reading.Limits // what one worker may say; [reading.DefaultLimits]
	Endpoints int            // workers read, the first of the Source's list; 256
	Retained  int            // series with totals, live or not; 200,000
	Departed  int            // ended generations kept in detail, so that they can be continued; 128
}

func (l Limits) orDefault() Limits {
	l.Worker = l.Worker.OrDefault()
	if l.Endpoints == 0 {
		l.Endpoints = 256
	}
	if l.Retained == 0 {
		l.Retained = 200_000
	}
	if l.Departed == 0 {
		l.Departed = 128
	}
	return l
}

func (o Options) orDefault() (Options, error) {
	if o.Source == nil {
		return o, hint.Errorf("name a directory of sockets, a port range or a URL", "merge %q: no source of workers", o.Name)
	}
	if o.Interval < 0 || o.Timeout < 0 {
		return o, hint.Errorf("leave them out for 250ms and 1s", "merge %q: interval and timeout must not be negative", o.Name)
	}
	if o.Interval == 0 {
		o.Interval = 250 * time.Millisecond
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	o.Limits = o.Limits.orDefault()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, CheckGauges(o.Gauges)
}
