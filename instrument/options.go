package instrument

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options says where metrics are registered and how HTTP is measured. Only Registry is needed.
type Options struct {
	// Registry holds the metrics. Required, unless Registerer and Gatherer are both given.
	Registry *prometheus.Registry
	// Registerer takes the place of Registry for registering, for instance one that adds labels
	// ([prometheus.WrapRegistererWith]). Default: Registry.
	Registerer prometheus.Registerer
	// Gatherer takes the place of Registry for what [Metrics.Handler] serves. Default: Registry.
	Gatherer prometheus.Gatherer

	// Namespace is put in front of the names of all metrics that this library itself defines: "shop" gives
	// shop_http_requests_total. Metrics declared with [Metrics.Counter] and its siblings carry their own. Default: none.
	Namespace string
	// Names is how the metrics that this library itself defines are called. Default: [PrometheusNames].
	Names Names
	// Extended adds the other metrics of HTTP that django-prometheus has: request sizes, schemes, templates, charsets,
	// streamed responses, ajax, requests of unknown latency, and those of [Metrics.Outermost]. [DjangoNames] has them always.
	Extended bool
	// LatencyBuckets are the upper bounds, in seconds, of the request durations.
	// Default: [DefaultLatencyBuckets].
	LatencyBuckets []float64
	// SizeBuckets are the upper bounds, in bytes, of the sizes of bodies. Default: [DefaultSizeBuckets], or
	// [DjangoSizeBuckets] with [DjangoNames].
	SizeBuckets []float64
	// Histograms is how the histograms of HTTP requests and of package database are kept. Default: [ClassicHistograms].
	Histograms Histograms
	// Route names the route of a request that has been served, unless [SetRoute] has; it must have few results and be
	// safe for concurrent use. "" counts as "unmatched". Default: [Pattern].
	Route func(*http.Request) string
	// Secure reports whether a request came by https. Default: whether it came by TLS. Behind a proxy that ends TLS, ask
	// for the header that it sets, and that it takes from clients: r.Header.Get("X-Forwarded-Proto") == "https".
	Secure func(*http.Request) bool
	// Trace returns the trace that a request belongs to, for exemplars and for Served; [Traceparent] is one. Exemplars are
	// made of sampled traces only, and of ids that OpenMetrics can hold; each series' is kept for a second at least, in
	// histograms that of each of LatencyBuckets, also where these are native. It is called after the request has been served, and must be safe for concurrent use. Default: no exemplars.
	Trace func(*http.Request) (trace Trace, ok bool)
	// Methods are method names to be counted under their own name besides those of RFC 9110 and PATCH,
	// for instance "PROPFIND". All others count as "other".
	Methods []string
	// Served is told of each request when it has been served, with the very values that the metrics counted; package
	// accesslog makes one that writes a log. It is called by the request's own goroutine, must be safe for concurrent
	// use and must not keep r. Default: nobody.
	Served func(r *http.Request, s Served)
	// MaxSeries limits the combinations of route, method and status, and those of route and type of panic. What comes
	// after it is counted in route "overflow", and logged once for each metric. Default: 2,000.
	MaxSeries int

	// MaxSeriesPerMetric limits the series of each metric that [Metrics.CounterVec] and its siblings declare, unless its
	// own Limit says otherwise; see [CounterVec] for what comes after it. Default: 2,000.
	MaxSeriesPerMetric int
	// MaxCollected limits the series that each collector of [Metrics.Register] and its siblings sends in a scrape. Those
	// after it are dropped and counted: many take longer to expose than a scrape may last. Default: 10,000.
	MaxCollected int

	// WithoutRuntime leaves out the metrics of the Go runtime and of the process (go_…, process_…).
	// They are also left out, without an error, where the registry already has them.
	WithoutRuntime bool

	// ScrapeTimeout is the longest time that a scrape may take, also where the scraper grants more; see [Metrics.Handler].
	// Default: 10 s.
	ScrapeTimeout time.Duration
	// MaxScrapes is how many requests [Metrics.Handler] works on at once; more are answered 503. Default: 8.
	MaxScrapes int

	// Logger is told of collectors that fail and of limits that are reached. Default: nobody.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	if o.Registry != nil {
		if o.Registerer == nil {
			o.Registerer = o.Registry
		}
		if o.Gatherer == nil {
			o.Gatherer = o.Registry
		}
	}
	if o.Registerer == nil || o.Gatherer == nil {
		return o, errors.New("no registry given: set Options.Registry to prometheus.NewRegistry()")
	}
	if o.Names != PrometheusNames && o.Names != DjangoNames {
		return o, errors.New("Options.Names is neither PrometheusNames nor DjangoNames")
	}
	if err := checkNamespace(o.Namespace); err != nil {
		return o, err
	}
	if o.Histograms < ClassicHistograms || o.Histograms > ClassicAndNativeHistograms {
		return o, errors.New("Options.Histograms is none of ClassicHistograms, NativeHistograms and ClassicAndNativeHistograms")
	}
	if o.MaxSeries < 0 || o.MaxSeriesPerMetric < 0 || o.MaxCollected < 0 || o.ScrapeTimeout < 0 || o.MaxScrapes < 0 {
		return o, errors.New("Options.MaxSeries, MaxSeriesPerMetric, MaxCollected, ScrapeTimeout and MaxScrapes must not be negative")
	}
	o = o.withHTTPDefaults()
	if o.MaxSeries == 0 {
		o.MaxSeries = 2000
	}
	if o.MaxSeriesPerMetric == 0 {
		o.MaxSeriesPerMetric = 2000
	}
	if o.MaxCollected == 0 {
		o.MaxCollected = 10_000
	}
	if o.ScrapeTimeout == 0 {
		o.ScrapeTimeout = 10 * time.Second
	}
	if o.MaxScrapes == 0 {
		o.MaxScrapes = 8
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
