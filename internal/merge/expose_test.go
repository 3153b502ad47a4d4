package merge_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/test/tool"
)

var update = flag.Bool("update", false, "write the golden files anew")

// service is two workers with one metric of each kind, and a third that has ended.
func service(t testing.TB) *merge.Merger {
	dir := socketDir(t)
	m := mergerOf(t, dir)
	for pid := 1; pid <= 3; pid++ {
		w := startWorker(t, dir, pid)
		walks := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "walks_started_total", Help: "Walks \\ started.\nBy kind."}, []string{"kind"})
		distance := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "walk_distance_meters", Help: "Distance walked.", Buckets: []float64{50, 200, 400}})
		size := prometheus.NewSummary(prometheus.SummaryOpts{Name: "answer_size_bytes", Help: "Size of answers.", Objectives: map[float64]float64{.5: .05}})
		queue := prometheus.NewGauge(prometheus.GaugeOpts{Name: "queue_length", Help: "Walks waiting."})
		info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "app_info", Help: "Version.", ConstLabels: prometheus.Labels{"version": "1.0"}})
		w.registry.MustRegister(walks, distance, size, queue, info)
		walks.WithLabelValues("long").Add(2)
		walks.WithLabelValues("say \"short\"").Add(0.5)
		distance.Observe(100)
		distance.Observe(1000)
		size.Observe(512)
		queue.Set(float64(pid))
		info.Set(1)
		read(t, m)
		if pid == 1 {
			w.remove()
		}
	}
	read(t, m)
	return m
}

func TestTheExpositionIsTheGoldenOne(t *testing.T) {
	m := service(t)
	for file, accept := range map[string]string{
		"testdata/service.txt":         "",
		"testdata/service.openmetrics": "application/openmetrics-text; version=1.0.0",
	} {
		got := withoutTimes(string(scrapeAs(t, m, accept)))
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s:\n%s", file, diff)
		}
	}
}

// withoutTimes leaves out how long readings took.
func withoutTimes(page string) string {
	var out strings.Builder
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "truecount_merge_read_duration_seconds_") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestPromtoolFindsNothingWrong(t *testing.T) {
	promtool := tool.Need(t, "promtool")
	m := service(t)
	g := newGroup(t)
	g.Add(m)
	for name, h := range map[string]http.Handler{"replica": m, "service": g, "naive": m.NaiveHandler()} {
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = strings.NewReader(scrape(t, h))
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestPythonsOwnParserFindsNothingWrong asks an implementation of OpenMetrics that shares nothing with ours.
func TestPythonsOwnParserFindsNothingWrong(t *testing.T) {
	python := tool.Python(t, "prometheus_client")
	m := service(t)
	g := newGroup(t)
	g.Add(m)
	for name, h := range map[string]http.Handler{"replica": m, "service": g, "naive": m.NaiveHandler()} {
		check := exec.Command(python, "-c", `import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(sum(len(f.samples) for f in text_string_to_metric_families(sys.stdin.read())))`)
		page := string(scrapeAs(t, h, "application/openmetrics-text; version=1.0.0"))
		check.Stdin = strings.NewReader(page)
		samples := 0
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "#") {
				samples++
			}
		}
		out, err := check.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != strconv.Itoa(samples) || samples == 0 {
			t.Errorf("%s has %d samples: %v\n%s", name, samples, err, out)
		}
	}
}

func TestClientsNegotiateFormatAndCompression(t *testing.T) {
	m := service(t)
	for _, c := range []struct{ name, accept, encoding, contentType, compressed string }{
		{"nothing asked", "", "", "text/plain; version=0.0.4", ""},
		{"anything", "*/*", "", "text/plain; version=0.0.4", ""},
		{"nonsense", ";;,=", "zstd", "text/plain; version=0.0.4", ""},
		{"as Prometheus asks", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "gzip",
			"application/openmetrics-text; version=1.0.0", "gzip"},
		{"as Prometheus asks for native histograms", acceptProto + ";q=0.7,text/plain;version=0.0.4;q=0.5", "br, gzip;q=0.5", "application/vnd.google.protobuf", "gzip"},
		{"OpenMetrics of any version", "application/openmetrics-text", "", "application/openmetrics-text; version=0.0.1; charset=utf-8", ""},
		{"gzip refused", "", "gzip;q=0", "text/plain; version=0.0.4", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", c.accept)
			r.Header.Set("Accept-Encoding", c.encoding)
			rec := httptest.NewRecorder()
			m.ServeHTTP(rec, r)
			if got := rec.Header().Get("Content-Type"); rec.Code != http.StatusOK || !strings.HasPrefix(got, c.contentType) {
				t.Errorf("%d %s, want %s", rec.Code, got, c.contentType)
			}
			if got := rec.Header().Get("Content-Encoding"); got != c.compressed {
				t.Errorf("encoding %q, want %q", got, c.compressed)
			}
			body := io.Reader(rec.Body)
			if c.compressed != "" {
				z, err := gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
				body = z
			}
			page, err := io.ReadAll(body)
			if err != nil || !bytes.Contains(page, []byte("walks_started")) {
				t.Errorf("%v: %s", err, page)
			}
		})
	}
	parses(t, m)
}

func TestOnlyGetAndHeadAreServed(t *testing.T) {
	m := service(t)
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		rec := httptest.NewRecorder()
		m.ServeHTTP(rec, httptest.NewRequest(method, "/metrics", nil))
		if rec.Code != want || method == http.MethodHead && (rec.Body.Len() > 0 || rec.Header().Get("Content-Length") == "0") {
			t.Errorf("%s: %d with %d bytes", method, rec.Code, rec.Body.Len())
		}
	}
}

func TestANaiveScrapeWithoutWorkersIsUnavailable(t *testing.T) {
	m := newMerger(t, merge.Options{Source: endpoints.Dir(socketDir(t))})
	rec := httptest.NewRecorder()
	m.NaiveHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", rec.Code)
	}
}

func TestAScrapeFailsUntilAWorkerHasBeenRead(t *testing.T) {
	dir := socketDir(t)
	m := mergerOf(t, dir)
	g := newGroup(t)
	g.Add(m)
	unread := func(h http.Handler, want string) {
		t.Helper()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if body := rec.Body.String(); rec.Code != http.StatusServiceUnavailable || !strings.Contains(body, want) {
			t.Errorf("answered %d %q, want 503 with %q", rec.Code, body, want)
		}
	}
	unread(m, "no worker of clicks-0 has been read yet")
	unread(g, "no worker of clicks has been read yet")
	read(t, m) // of nobody
	unread(m, "no worker of clicks-0 has been read yet")
	unread(g, "no worker of clicks has been read yet")

	a := startWorker(t, dir, 1)
	a.says(text, "what is this?\n")
	read(t, m)
	unread(m, "has been read yet: "+a.socket+": ")
	unread(g, "no worker of clicks has been read yet")

	a.set(func() { a.handler = nil })
	a.counter("clicks_total").Inc()
	read(t, m)
	wantValue(t, m, "clicks_total", "1")
	wantValue(t, g, "clicks_total", "1")

	g.Add(newMerger(t, merge.Options{Name: "clicks-1", Source: endpoints.Dir(socketDir(t))})) // a replica that just starts hides no other
	wantValue(t, g, "clicks_total", "1")
	a.remove() // and from here on there is always something to say
	read(t, m)
	wantValue(t, m, "clicks_total", "1")
	g.Retire(m)
	wantValue(t, g, "clicks_total", "1")
}

func TestNamesThatCollideInAnEscapedFormatAreExposedOnce(t *testing.T) {
	dir := socketDir(t)
	startWorker(t, dir, 1).says(text, "# TYPE \"a.b\" counter\n{\"a.b\"} 1\n# TYPE a_b counter\na_b 2\n# TYPE clicks gauge\nclicks 1\n# TYPE clicks_total counter\nclicks_total 2\n")
	m := mergerOf(t, dir)
	read(t, m)
	if page := scrape(t, m); strings.Count(page, "\n# TYPE a_b ") != 1 && strings.Count(page, "# TYPE a_b ") != 1 {
		t.Error(page)
	}
	page := string(scrapeAs(t, m, "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8"))
	for _, line := range []string{"# TYPE clicks gauge\n", "# TYPE clicks_total unknown\n", "{\"a.b\"} 1.0\n", "a_b 2.0\n"} {
		if !strings.Contains(page, line) {
			t.Errorf("no %q in\n%s", line, page)
		}
	}
	parses(t, m)
}

func TestExemplarsOfAnyCounterAreValidInEveryFormat(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.counter("clicks").(prometheus.ExemplarAdder).AddWithExemplar(1, prometheus.Labels{"trace_id": "abc"})
	a.counter("walks_total").(prometheus.ExemplarAdder).AddWithExemplar(1, prometheus.Labels{"trace_id": "abc"})
	m := mergerOf(t, dir)
	read(t, m)
	parses(t, m)
	if page := string(scrapeAs(t, m, "application/openmetrics-text; version=1.0.0")); !strings.Contains(page, `walks_total 1.0 # {trace_id="abc"} 1.0`) {
		t.Error(page)
	}
}
