package instrument_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
)

// logBuffer collects what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestDeclaredMetricsAreExposedAtZero(t *testing.T) {
	m, _ := newMetrics(t)
	clicks := m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	m.Gauge(prometheus.GaugeOpts{Namespace: "shop", Subsystem: "cart", Name: "items", Help: "Items."})
	m.Histogram(prometheus.HistogramOpts{Name: "walk_distance", Help: "Metres.", Buckets: []float64{0, 50, 200, 400, 800, 1600, 3200}})
	m.CounterVec(prometheus.CounterOpts{Name: "walks_total", Help: "Walks."}, []string{"size"}, []string{"xs"}, []string{"md"})
	m.GaugeVec(prometheus.GaugeOpts{Name: "dogs", Help: "Dogs."}, []string{"size"}, []string{"xl"})
	m.HistogramVec(prometheus.HistogramOpts{Name: "age_years", Help: "Age."}, []string{"size"}, []string{"sm"})
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	text := exposition(t, m)
	for _, want := range []string{
		"clicks_total 0", "shop_cart_items 0", `walk_distance_bucket{le="3200"} 0`, `walk_distance_bucket{le="0"} 0`, "walk_distance_count 0",
		`walks_total{size="xs"} 0`, `walks_total{size="md"} 0`, `dogs{size="xl"} 0`, `age_years_count{size="sm"} 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, `size=""`) {
		t.Error("the series that a declaration is tried with is exposed")
	}
	clicks.Inc()
	if testutil.ToFloat64(clicks) != 1 || !strings.Contains(exposition(t, m), "\nclicks_total 1\n") {
		t.Error("a click is not counted")
	}
}

func TestAWrongDeclarationIsAnErrorAndNoPanic(t *testing.T) {
	for _, tt := range []struct {
		name    string
		declare func(m *instrument.Metrics)
		want    string
	}{
		{"declared twice", func(m *instrument.Metrics) {
			m.Counter(prometheus.CounterOpts{Name: "a", Help: "A."}).Inc()
			m.Counter(prometheus.CounterOpts{Name: "a", Help: "A."}).Inc()
		}, `metric "a" is already registered: declare it once`},
		{"another help", func(m *instrument.Metrics) {
			m.Gauge(prometheus.GaugeOpts{Name: "a", Help: "A."}).Set(1)
			m.Gauge(prometheus.GaugeOpts{Name: "a", Help: "B."}).Set(1)
		}, `metric "a" is already registered with other labels or another help`},
		{"a name of the middleware", func(m *instrument.Metrics) {
			m.Counter(prometheus.CounterOpts{Name: "http_requests_total", Help: "Mine."}).Inc()
		}, `metric "http_requests_total" is already registered`},
		{"no name", func(m *instrument.Metrics) { m.Counter(prometheus.CounterOpts{}).Inc() }, `a metric: "" is not a valid metric name`},
		{"buckets out of order", func(m *instrument.Metrics) {
			m.Histogram(prometheus.HistogramOpts{Name: "h", Help: "H.", Buckets: []float64{2, 1}}).Observe(1)
		}, `metric "h": histogram buckets must be in increasing order`},
		{"buckets with labels out of order", func(m *instrument.Metrics) {
			m.HistogramVec(prometheus.HistogramOpts{Name: "h", Help: "H.", Buckets: []float64{2, 1}}, []string{"l"}).WithLabelValues("x").Observe(1)
		}, `metric "h": histogram buckets must be in increasing order`},
		{"a preset that does not fit", func(m *instrument.Metrics) {
			m.CounterVec(prometheus.CounterOpts{Name: "c", Help: "C."}, []string{"l"}, []string{"x", "y"}).WithLabelValues("x").Inc()
		}, `metric "c": preset ["x" "y"] does not fit the labels ["l"]`},
		{"a label twice", func(m *instrument.Metrics) {
			m.CounterVec(prometheus.CounterOpts{Name: "c", Help: "C."}, []string{"l", "l"}).WithLabelValues("x", "y").Inc()
		}, `metric "c": `},
		{"a label that is reserved", func(m *instrument.Metrics) {
			m.HistogramVec(prometheus.HistogramOpts{Name: "h", Help: "H."}, []string{"le"})
		}, `metric "h": `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logged logBuffer
			m, _ := newMetrics(t, func(o *instrument.Options) { o.Logger = logged.logger() })
			tt.declare(m)
			if err := m.Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			} else if strings.Contains(err.Error(), "Desc{") {
				t.Errorf("an operator can't read %v", err)
			}
			if !strings.Contains(logged.String(), "metric is not exposed") {
				t.Error("not logged")
			}
			exposition(t, m)
		})
	}
}

func TestACollectorWhoseNameIsTakenIsAnErrorThatNamesIt(t *testing.T) {
	m, reg := newMetrics(t)
	gauge := func(name string) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: "G."}, func() float64 { return 1 })
	}
	if err := m.Register("first", gauge("a")); err != nil {
		t.Fatal(err)
	}
	if err := m.Register("second", gauge("a")); err == nil || !strings.Contains(err.Error(), `"second"`) {
		t.Errorf("a name taken: %v", err)
	}
	if n, err := testutil.GatherAndCount(reg, "a"); n != 1 || err != nil {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func TestNewThatFailsLeavesTheRegistryAsItWas(t *testing.T) {
	taken := func(name string) *prometheus.Registry {
		reg := prometheus.NewRegistry()
		reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: "Mine."}))
		return reg
	}
	for _, tt := range []struct {
		name string
		opts instrument.Options
		want string
	}{
		{"no registry", instrument.Options{}, "no registry given"},
		{"name taken", instrument.Options{Registry: taken("http_requests_in_flight")}, `metric "http_requests_in_flight" is already registered`},
		{"handler's name taken", instrument.Options{Registry: taken("promhttp_metric_handler_errors_total")}, "promhttp_metric_handler_errors_total"},
		{"buckets", instrument.Options{Registry: taken("a"), LatencyBuckets: []float64{2, 1}}, `metric "http_request_duration_seconds": histogram buckets`},
		{"namespace", instrument.Options{Registry: taken("a"), Namespace: "\xff"}, `for instance "_"`},
		{"namespace of UTF-8", instrument.Options{Registry: taken("a"), Namespace: "2nd my-shop"}, `Options.Namespace "2nd my-shop" makes no valid metric name: take letters, digits and underscores, for instance "_2nd_my_shop"`},
		{"limits", instrument.Options{Registry: taken("a"), MaxScrapes: -1}, "must not be negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := instrument.New(tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if tt.opts.Registry == nil {
				return
			}
			if families, err := tt.opts.Registry.Gather(); err != nil || len(families) != 1 {
				t.Errorf("%d metrics are left, %v", len(families), err)
			}
		})
	}
}

func TestTwoMetricsOnOneRegistryNeedTwoNamespaces(t *testing.T) {
	reg := prometheus.NewRegistry()
	if _, err := instrument.New(instrument.Options{Registry: reg}); err != nil {
		t.Fatal(err)
	}
	if _, err := instrument.New(instrument.Options{Registry: reg}); err == nil {
		t.Error("the second on the same names is no error")
	}
	if _, err := instrument.New(instrument.Options{Registry: reg, Namespace: "admin"}); err != nil {
		t.Error(err)
	}
}

func TestARegistererOfItsOwnLabelsEverything(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) {
		o.Registerer = prometheus.WrapRegistererWith(prometheus.Labels{"shop": "north"}, o.Registry)
	})
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."}).Inc()
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	serve(m.Middleware(http.NotFoundHandler()), "GET", "/")
	text := exposition(t, m)
	for _, want := range []string{`clicks_total{shop="north"} 1`, `http_requests_total{method="GET",route="unmatched",shop="north",status="404"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

var errBroken = errors.New("database is gone")
