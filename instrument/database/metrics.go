package database

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
)

// Vendors, as Django names them. Any other name will do.
const (
	PostgreSQL = "postgresql"
	MySQL      = "mysql"
	SQLite     = "sqlite"
	Oracle     = "oracle"
	SQLServer  = "microsoft"
)

// Options of [New]. All may be left out.
type Options struct {
	// Buckets are the upper bounds, in seconds, of query durations, unless instrument.Options.Histograms says that they are native.
	// Default [instrument.DefaultLatencyBuckets].
	Buckets []float64
	// Class says of which class an error is, before [ClassOf] is asked: it returns one of the constants, or "" for an
	// error that it does not know. It may be called from any goroutine.
	Class func(error) Class
	// MaxDatabases bounds the pairs of alias and vendor; further ones share the alias "overflow". Default 100.
	MaxDatabases int
	// Logger says once that MaxDatabases is exceeded. Default: that of the metrics.
	Logger *slog.Logger
}

// Metrics are the instruments of all databases of a service. Its methods may be called concurrently.
type Metrics struct {
	options  Options
	names    instrument.Names
	base     time.Time // durations are differences to it: that reads one clock instead of two
	vectors  vectors
	poolDesc poolDescs

	mu         sync.Mutex
	handles    map[[2]string]*Handle
	overflowed sync.Once
}

type vectors struct {
	opened, refused, executions, batches, errors *prometheus.CounterVec
	duration                                     *prometheus.HistogramVec
}

// New registers the metrics of databases on m, in m's scheme of names. It fails if that was done before, or an option
// makes no sense; nothing is registered then.
func New(m *instrument.Metrics, opts Options) (*Metrics, error) {
	if m == nil {
		return nil, errors.New("database metrics: no metrics given: make them with instrument.New")
	}
	opts, err := opts.withDefaults(m.Logger())
	if err != nil {
		return nil, fmt.Errorf("database metrics: %w", err)
	}
	d := &Metrics{
		options:  opts,
		names:    m.Names(),
		base:     time.Now(),
		vectors:  newVectors(m, opts),
		poolDesc: newPoolDescs(m),
		handles:  map[[2]string]*Handle{},
	}
	if err := m.Register("database", d.collector()); err != nil {
		return nil, fmt.Errorf("database metrics: %w; make them once and hand them on", err)
	}
	return d, nil
}

func (o Options) withDefaults(logger *slog.Logger) (Options, error) {
	if o.Buckets == nil {
		o.Buckets = instrument.DefaultLatencyBuckets()
	}
	o.Buckets = slices.Clone(o.Buckets)
	for i := 1; i < len(o.Buckets); i++ {
		if !(o.Buckets[i-1] < o.Buckets[i]) {
			return o, errors.New("Options.Buckets must rise")
		}
	}
	if o.MaxDatabases < 0 {
		return o, errors.New("Options.MaxDatabases must not be negative")
	}
	if o.MaxDatabases == 0 {
		o.MaxDatabases = 100
	}
	if o.Logger == nil {
		o.Logger = logger
	}
	return o, nil
}

// databaseLabels are the labels of every metric here, as django-prometheus has them.
var databaseLabels = []string{"alias", "vendor"}

func newVectors(m *instrument.Metrics, opts Options) vectors {
	counter := func(name, djangoName, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name(name, djangoName), Help: help},
			append(slices.Clone(databaseLabels), more...))
	}
	opened, class := "Connections opened to databases.", "class"
	if m.Names() == instrument.DjangoNames {
		opened, class = "Connections to databases that were opened or failed to.", "type"
	}
	return vectors{
		opened: counter("db_connections_opened_total", "django_db_new_connections_total", opened),
		refused: counter("db_connection_errors_total", "django_db_new_connection_errors_total",
			"Connections to databases that could not be opened."),
		executions: counter("db_executions_total", "django_db_execute_total",
			"Statements that databases were asked to execute, those of batches included."),
		batches: counter("db_batch_executions_total", "django_db_execute_many_total",
			"Statements that databases were asked to execute in batches."),
		errors: counter("db_errors_total", "django_db_errors_total",
			"Errors of databases, by kind.", class),
		duration: prometheus.NewHistogramVec(m.HistogramOpts(m.Name("db_query_duration_seconds", "django_db_query_duration_seconds"),
			"Time that databases took to execute a statement or a batch, failed ones included.", opts.Buckets), databaseLabels),
	}
}

func (v vectors) all() []prometheus.Collector {
	return []prometheus.Collector{v.opened, v.refused, v.executions, v.batches, v.errors, v.duration}
}

// Handle returns what counts for one database: alias is the application's name for it ("default"), vendor the kind
// ("postgresql"). Its series are exposed as 0 from then on. The same pair has the same Handle.
func (m *Metrics) Handle(alias, vendor string) *Handle {
	alias, vendor = strings.ToValidUTF8(alias, "\uFFFD"), strings.ToValidUTF8(vendor, "\uFFFD")
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{alias, vendor}
	if h, ok := m.handles[key]; ok {
		return h
	}
	if len(m.handles) >= m.options.MaxDatabases {
		m.overflowed.Do(func() {
			m.options.Logger.Warn("too many databases: further ones are counted as alias overflow; "+
				"an alias should be one of a few names", "limit", m.options.MaxDatabases, "alias", alias)
		})
		key = [2]string{"overflow", "overflow"}
		if h, ok := m.handles[key]; ok {
			return h
		}
	}
	h := newHandle(m, key[0], key[1])
	m.handles[key] = h
	return h
}

// presets says whether errors of a kind are exposed before there are any. Python's exceptions are few.
func (m *Metrics) presets(k kind) bool {
	return m.names == instrument.DjangoNames || slices.Contains(usual, k.class)
}

// now is the time since the Metrics were made.
func (m *Metrics) now() time.Duration { return time.Since(m.base) }
