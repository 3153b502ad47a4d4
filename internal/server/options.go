package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/truecount/truecount/internal/hint"
)

// Options say what a server runs on. ConfigFile and DataDir are required; every zero value elsewhere has a default.
type Options struct {
	// ConfigFile is a Prometheus configuration. It is read by New and again by every Reload.
	ConfigFile string
	// DataDir is the database's directory, made if it is missing; Prometheus' own data directory can be taken over.
	DataDir string
	// Retention says how long samples are kept where the configuration file (storage.tsdb.retention) does not.
	Retention Retention
	// ExternalURL is where users reach the server; it prefixes the links in alerts. Default http://localhost:9090.
	// The handler itself serves below "/" in any case.
	ExternalURL string
	// EnableLifecycle turns on POST and PUT /-/reload.
	EnableLifecycle bool
	// Query bounds what one query, and all together, may cost.
	Query QueryLimits
	// Limits bound what a target may send, where the configuration file does not.
	Limits Limits
	// DiscoveryInterval is the least time between two updates of the list of targets. Default 5 s, as in Prometheus,
	// where large clusters need it; on a laptop 250 ms shows a new target at once.
	DiscoveryInterval time.Duration
	// RemoteFlushDeadline is how long stopping waits for remote write to send what it holds. Default 5 s.
	RemoteFlushDeadline time.Duration
	// MaxExemplars turns exemplar storage on when above 0; it costs about 110 bytes each from the start.
	// storage.exemplars in the configuration file turns it on as well, and wins.
	MaxExemplars int64
	// StartTimestamps stores a 0 at the time at which a counter says it was created, so that what it counted before its first
	// scrape is in its rate: Prometheus' feature created-timestamp-zero-ingestion. Only protobuf and OpenMetrics tell that time.
	StartTimestamps bool
	// Stored is told of each scrape whose samples can now be asked for, of failed ones too, with what gives the value of a label
	// of its target. It is called concurrently and must return at once; nil is told nothing.
	Stored func(label func(name string) string)
	// NotifierDo sends a request to an Alertmanager; nil means over the network. An Alertmanager in the same process is
	// reached by answering here.
	NotifierDo func(context.Context, *http.Client, *http.Request) (*http.Response, error)
	// Logger gets one record per event; nil discards.
	Logger *slog.Logger
	// Registerer gets the server's metrics and loses them when the server ends. One registry serves one server at a time.
	// Gatherer is what /metrics shows. Both or neither: without them the server has a registry of its own, with the
	// metrics of the Go runtime and of the process.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
}

// Retention is what is kept. Zero in both means 15 days, as in Prometheus.
type Retention struct {
	Time time.Duration // 0 means no limit of time if Size is given
	Size int64         // bytes of blocks; 0 means no limit
}

// QueryLimits bound queries. The defaults are Prometheus': 2 minutes, 50 million samples, 20 at a time, 5 minutes.
type QueryLimits struct {
	Timeout       time.Duration
	MaxSamples    int // in memory for one query
	Concurrency   int // the queries beyond wait
	LookbackDelta time.Duration
}

func (o *Options) complete() error {
	if o.ConfigFile == "" {
		return hint.Errorf("pass the path of a Prometheus configuration file", "no configuration file given")
	}
	if o.DataDir == "" {
		return hint.Errorf("pass a directory that keeps the samples", "no data directory given")
	}
	if (o.Registerer == nil) != (o.Gatherer == nil) {
		return errors.New("registerer and gatherer must be given together")
	}
	if o.Registerer == nil {
		registry := prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		o.Registerer, o.Gatherer = registry, registry
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = slog.New(redacting{o.Logger.Handler()})
	if o.Retention == (Retention{}) {
		o.Retention.Time = 15 * 24 * time.Hour
	}
	o.Limits = o.Limits.withDefaults()
	orDefault(&o.Query.Timeout, 2*time.Minute)
	orDefault(&o.Query.MaxSamples, 50_000_000)
	orDefault(&o.Query.Concurrency, 20)
	orDefault(&o.Query.LookbackDelta, 5*time.Minute)
	orDefault(&o.DiscoveryInterval, 5*time.Second)
	orDefault(&o.RemoteFlushDeadline, 5*time.Second)
	orDefault(&o.ExternalURL, "http://localhost:9090")
	return nil
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// parseExternalURL takes the trailing slash away: links are made by appending "/graph?…", and a second slash breaks them.
func parseExternalURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "" || u.Host == "") {
		err = errors.New("scheme or host is missing")
	}
	if err != nil {
		return nil, hint.Errorf("write it like https://metrics.example.org/prometheus", "external URL %q: %w", s, err)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}
