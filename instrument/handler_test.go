package instrument_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// collector calls collect at every scrape.
type collector struct {
	desc    *prometheus.Desc
	collect func(chan<- prometheus.Metric, *prometheus.Desc)
}

func newCollector(name string, collect func(chan<- prometheus.Metric, *prometheus.Desc)) *collector {
	return &collector{prometheus.NewDesc(name, "A collector.", nil, nil), collect}
}

func (c *collector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }
func (c *collector) Collect(ch chan<- prometheus.Metric) { c.collect(ch, c.desc) }

func TestMetricsAreServedInTheFormatAskedFor(t *testing.T) {
	m, _ := newMetrics(t)
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	for _, tt := range []struct{ accept, contentType, body string }{
		{"", "text/plain; version=0.0.4", "clicks_total 0"},
		{"application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0", "# EOF"},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "application/vnd.google.protobuf", "clicks_total"},
		{"nonsense;;q=x", "text/plain; version=0.0.4", "clicks_total 0"},
	} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Accept", tt.accept)
		r.Header.Set("Accept-Encoding", "gzip")
		rec := httptest.NewRecorder()
		m.Handler().ServeHTTP(rec, r)
		if got := rec.Header().Get("Content-Type"); !strings.HasPrefix(got, tt.contentType) {
			t.Errorf("Accept %q: Content-Type %q", tt.accept, got)
		}
		plain, err := gzip.NewReader(rec.Body)
		if err != nil {
			t.Fatalf("Accept %q: not compressed: %v", tt.accept, err)
		}
		if body, err := io.ReadAll(plain); err != nil || !strings.Contains(string(body), tt.body) {
			t.Errorf("Accept %q: %v, got:\n%s", tt.accept, err, body)
		}
	}
}

func TestMetricsAreOnlyRead(t *testing.T) {
	m, _ := newMetrics(t)
	s := served(t, m.Handler(), false)
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405} {
		r, err := http.NewRequest(method, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want || (want == 405 && response.Header.Get("Allow") != "GET, HEAD") {
			t.Errorf("%s: %s, Allow %q", method, response.Status, response.Header.Get("Allow"))
		}
	}
}

func TestL3ACollectorOfTheRegistryItselfThatFailsHidesNoOther(t *testing.T) {
	for name, collect := range map[string]func(chan<- prometheus.Metric, *prometheus.Desc){
		"panics": func(chan<- prometheus.Metric, *prometheus.Desc) { panic("collector broken") },
		"errors": func(ch chan<- prometheus.Metric, d *prometheus.Desc) { ch <- prometheus.NewInvalidMetric(d, errBroken) },
		"duplicates": func(ch chan<- prometheus.Metric, d *prometheus.Desc) {
			for range 2 {
				ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var logged logBuffer
			m, reg := newMetrics(t, func(o *instrument.Options) { o.Logger = logged.logger() })
			m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
			if err := reg.Register(newCollector("broken", collect)); err != nil {
				t.Fatal(err)
			}
			exposition(t, m)
			text := exposition(t, m)
			for _, want := range []string{"clicks_total 0", `promhttp_metric_handler_errors_total{cause="gathering"} `} {
				if !strings.Contains(text, want) {
					t.Errorf("missing: %s", want)
				}
			}
			if strings.Contains(text, `{cause="gathering"} 0`) || !strings.Contains(logged.String(), "could not be served completely") {
				t.Errorf("the failure is not counted or not logged: %s", logged.String())
			}
		})
	}
}

func TestL3ACollectorOfTheRegistryItselfThatBlocksHoldsABoundedNumberOfScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		left := make(chan struct{}, 10)
		m, reg := newMetrics(t, func(o *instrument.Options) { o.ScrapeTimeout = time.Second; o.MaxScrapes = 2 })
		if err := reg.Register(newCollector("stuck", func(ch chan<- prometheus.Metric, d *prometheus.Desc) {
			defer func() { left <- struct{}{} }()
			<-release
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1)
		})); err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			rec := serve(m.Handler(), "GET", "/metrics")
			if rec.Code != http.StatusServiceUnavailable {
				t.Errorf("scrape %d: %d", n, rec.Code)
			}
			if limited := strings.Contains(rec.Body.String(), "Limit of concurrent requests reached (2)"); limited != (n >= 2) {
				t.Errorf("scrape %d answered %q", n, rec.Body)
			}
		}
		close(release)
		for range 2 { // as many as were let in
			<-left
		}
	})
}
