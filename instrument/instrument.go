package instrument

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics measures one service on one registry. Make it with [New]; its methods may be called concurrently.
type Metrics struct {
	registerer prometheus.Registerer
	logger     *slog.Logger
	namespace  string
	names      Names
	http       *httpMetrics
	handler    http.Handler

	scrapeTimeout time.Duration

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
	reg := &undoableRegisterer{Registerer: opts.Registerer}
	m := &Metrics{registerer: opts.Registerer, logger: opts.Logger, namespace: opts.Namespace, names: opts.Names, scrapeTimeout: opts.ScrapeTimeout}
	if err := m.register(reg, opts); err != nil {
		reg.undo()
		return nil, fmt.Errorf("instrument: %w", err)
	}
	return m, nil
}

func (m *Metrics) register(reg prometheus.Registerer, opts Options) error {
	var err error
	if m.http, err = newHTTPMetrics(reg, opts); err != nil {
		return err
	}
	if !opts.WithoutRuntime {
		if err := registerRuntime(reg); err != nil {
			return err
		}
	}
	m.handler, err = newScrapeHandler(reg, opts)
	return err
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
// A collector that fails hides only its own metrics: the others are served, the failure is logged and counted in
// promhttp_metric_handler_errors_total. A collector that blocks holds one of Options.MaxScrapes places until it
// returns, while its requests are answered 503 after Options.ScrapeTimeout.
func (m *Metrics) Handler() http.Handler { return m.handler }

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
	done []prometheus.Collector
}

func (u *undoableRegisterer) Register(c prometheus.Collector) error {
	if err := u.Registerer.Register(c); err != nil {
		return err
	}
	u.done = append(u.done, c)
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
