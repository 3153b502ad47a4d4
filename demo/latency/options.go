package latency

import (
	"cmp"
	"log/slog"
	"net"
	"time"

	"github.com/truecount/truecount/demo/service"
)

const (
	defaultPort         = "8002"
	defaultBreakFile    = "latency-broken.json"
	defaultSlowdown     = 10
	defaultErrorPercent = 50
)

// Options for New and Run. BreakFile is needed to break the service, and the same for all its workers.
type Options struct {
	service.Environment
	// Shape of the response times.
	Shape Shape
	// BreakFile is there while the service is broken on purpose. Default latency-broken.json in the working directory.
	BreakFile string
	// Slowdown is how many times slower a slow service answers. Default 10.
	Slowdown int
	// ErrorPercent is how many of 100 answers of a failing service are errors. Default 50.
	ErrorPercent int
	// FirstWorker says that this process is the first of the service's workers, or the only one: it counts the uptime.
	FirstWorker bool
	// Logger gets a few lines on start and stop and when the switch moves. Default: nothing is logged.
	Logger *slog.Logger
	// Now is the clock of the switch. Default time.Now.
	Now func() time.Time
	// OnReady is told the address when requests are answered.
	OnReady func(net.Addr)
}

func (o Options) withDefaults() Options {
	o.Shape.Median = cmp.Or(o.Shape.Median, defaultShape.Median)
	o.Shape.P99 = cmp.Or(o.Shape.P99, defaultShape.P99)
	o.Shape.Longest = cmp.Or(o.Shape.Longest, defaultShape.Longest)
	o.BreakFile = cmp.Or(o.BreakFile, defaultBreakFile)
	o.Slowdown = cmp.Or(o.Slowdown, defaultSlowdown)
	o.ErrorPercent = cmp.Or(o.ErrorPercent, defaultErrorPercent)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// OptionsFromEnv reads the options that the environment gives.
func OptionsFromEnv(getenv func(string) string) (opts Options, err error) {
	if opts.Environment, err = service.Read(getenv, defaultPort); err != nil {
		return opts, err
	}
	opts.FirstWorker = cmp.Or(getenv("TRUECOUNT_WORKER"), "0") == "0"
	opts.BreakFile = cmp.Or(getenv("BREAK_FILE"), defaultBreakFile)
	if opts.Slowdown, err = service.Whole(getenv, "BROKEN_SLOWDOWN", defaultSlowdown, 1, 1000); err != nil {
		return opts, err
	}
	if opts.ErrorPercent, err = service.Whole(getenv, "BROKEN_ERROR_PERCENT", defaultErrorPercent, 1, 100); err != nil {
		return opts, err
	}
	if opts.Shape, err = shape(getenv); err != nil {
		return opts, err
	}
	return opts, opts.Shape.check()
}

func shape(getenv func(string) string) (s Shape, err error) {
	if s.Median, err = service.Span(getenv, "RESPONSE_TIME_MEDIAN", defaultShape.Median); err != nil {
		return s, err
	}
	if s.P99, err = service.Span(getenv, "RESPONSE_TIME_P99", max(s.Median, defaultShape.P99)); err != nil {
		return s, err
	}
	s.Longest, err = service.Span(getenv, "RESPONSE_TIME_MAX", max(s.P99, defaultShape.Longest))
	return s, err
}

const about = `latency: a service that takes a random time to answer, and that can be broken on purpose.

  LISTEN_ADDRESS       IP address to listen on (127.0.0.1; in a container 0.0.0.0)
  PORT                 port to listen on (8002; 0: any free one)
  WEB_CONCURRENCY      number of worker processes (1)
  METRICS_START_PORT   each worker serves /metrics on the first free port from here (unset: /metrics on PORT)
  METRICS_ADDRESS      IP address of those (127.0.0.1; in a container 0.0.0.0)
  LOG_LEVEL            the lowest level that is logged: debug, info, warn or error (info)
  RESPONSE_TIME_MEDIAN half of the answers are faster (60ms)
  RESPONSE_TIME_P99    99 of 100 answers are faster (400ms)
  RESPONSE_TIME_MAX    no answer takes longer (10s)
  BREAK_FILE           the file by which all workers know that they are broken (latency-broken.json)
  BROKEN_SLOWDOWN      how many times slower the answers are then (10)
  BROKEN_ERROR_PERCENT how many of 100 answers are errors then (50)
`
