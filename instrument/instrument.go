package instrument

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

// Metrics measures one service on one registry. Make it with [New]; its methods may be called concurrently.
type Metrics struct {
	registerer prometheus.Registerer
	logger     *slog.Logger
	namespace  string
	names      Names
	http       *httpMetrics
	gatherer   prometheus.Gatherer
	handler    http.Handler
	scrapes    *scrapes
	guards     *guards
	owned      *ownedNames
	overflows  *overflows

	maxSeriesPerMetric, maxCollected int

	mu   sync.Mutex
	errs []error
}

// New registers the metrics of HTTP requests and, unless told otherwise, of the Go runtime and the process.
//
// It fails if a name is taken on the registry, or an option makes no sense; the registry is then as it was before.
// Two Metrics on one registry therefore need two namespaces.
func New(opts Options) (*Metrics, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("instrument: %w", err)
	}
	owned := &ownedNames{names: map[string]bool{}}
	reg := &undoableRegisterer{Registerer: opts.Registerer, owned: owned}
	scrapes := newScrapes(opts.ScrapeTimeout)
	m := &Metrics{
		registerer: opts.Registerer, gatherer: opts.Gatherer, logger: opts.Logger, namespace: opts.Namespace, names: opts.Names,
		scrapes: scrapes, owned: owned, guards: newGuards(opts.Namespace, owned, scrapes.take),
		overflows: newOverflows(opts.Namespace, opts.Logger), maxSeriesPerMetric: opts.MaxSeriesPerMetric, maxCollected: opts.MaxCollected,
	}
	if err := m.register(reg, opts); err != nil {
		reg.undo()
		return nil, fmt.Errorf("instrument: %w", err)
	}
	return m, nil
}

func (m *Metrics) register(reg prometheus.Registerer, opts Options) error {
	if err := m.overflows.register(reg); err != nil {
		return err
	}
	var err error
	if m.http, err = newHTTPMetrics(reg, opts, m.overflows); err != nil {
		return err
	}
	if !opts.WithoutRuntime {
		if err := registerRuntime(reg); err != nil {
			return err
		}
	}
	if m.handler, err = newScrapeHandler(reg, opts, m.scrapes); err != nil {
		return err
	}
	if err := reg.Register(guardNames{m.guards}); err != nil {
		return registrationError("", err)
	}
	// Last, because a collector that does not describe its metrics cannot be unregistered.
	if err := opts.Registerer.Register(m.guards); err != nil {
		return registrationError("", err)
	}
	return nil
}

// Err returns the errors of the declarations that failed so far, joined, or nil.
// A service asks once, after its last declaration.
func (m *Metrics) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.errs...)
}

// Handler serves the registry's metrics in the format that the client asks for (text 0.0.4, OpenMetrics, protobuf),
// compressed if it may be. It answers GET and HEAD only.
//
// It answers before the scraper gives up, which Prometheus announces in a header (X-Prometheus-Scrape-Timeout-Seconds);
// Options.ScrapeTimeout is the longest time, and the one for requests without the header. Half a second or a fifth
// of it before, whichever is less, all collectors end that were registered with [Metrics.Register] and its siblings, and
// what there is by then is served. For gatherers other than this handler it is Options.ScrapeTimeout.
//
// A collector that was registered on the registry itself and fails hides only its own metrics: the others are served, the
// failure is logged and counted in promhttp_metric_handler_errors_total. One that blocks holds one of
// Options.MaxScrapes places until it returns, while its requests are answered 503, before the scraper gives up, too.
func (m *Metrics) Handler() http.Handler { return m.handler }

// Gather gathers what [Metrics.Handler] serves. It makes m a [prometheus.Gatherer], for tests.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) { return m.gatherer.Gather() }

func registerRuntime(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		var taken prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &taken) {
			return registrationError("", err)
		}
	}
	return nil
}

// undoableRegisterer remembers what it registered, so that a failing New leaves nothing behind.
type undoableRegisterer struct {
	prometheus.Registerer
	owned *ownedNames
	done  []prometheus.Collector
}

func (u *undoableRegisterer) Register(c prometheus.Collector) error {
	if err := u.Registerer.Register(c); err != nil {
		return err
	}
	u.done = append(u.done, c)
	u.owned.add(c)
	return nil
}

func (u *undoableRegisterer) undo() {
	for _, c := range slices.Backward(u.done) {
		u.Unregister(c)
	}
}

// registrationError says in an operator's words why a registry refused a metric.
func registrationError(name string, err error) error {
	subject := "a metric"
	if name != "" {
		subject = fmt.Sprintf("metric %q", name)
	}
	var taken prometheus.AlreadyRegisteredError
	switch text := err.Error(); {
	case errors.As(err, &taken):
		return fmt.Errorf("%s is already registered: declare it once and hand it on, or give each a namespace of its own", subject)
	case strings.Contains(text, "has different label names or a different help string"):
		return fmt.Errorf("%s is already registered with other labels or another help: use another name or namespace", subject)
	default:
		if _, reason, found := strings.Cut(text, " is invalid: "); found {
			text = reason
		}
		return fmt.Errorf("%s: %s", subject, text)
	}
}
