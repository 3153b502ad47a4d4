package pydir_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/test/tool"
)

// slowClient takes a page and does not let go of it until it is told to.
type slowClient struct {
	*httptest.ResponseRecorder
	page chan []byte // the very memory, not a copy
	goOn chan struct{}
}

func (c *slowClient) Write(page []byte) (int, error) {
	c.page <- page
	<-c.goOn
	return c.ResponseRecorder.Write(page)
}

// TestAPageIsNotChangedWhileAClientStillReadsIt has one client of each format hold its page while other pages are written: the
// memory of pages is used again, but not of one that somebody holds.
func TestAPageIsNotChangedWhileAClientStillReadsIt(t *testing.T) {
	dir := t.TempDir()
	w := pydirtest.NewWorker(dir, "1", pydirtest.Since018)
	defer w.Close()
	clicks := w.Counter("clicks", "Clicks.")
	clicks.Add(1000)
	m := newMerger(t, pydir.Options{Dir: dir})
	ask := func(to http.ResponseWriter, accept, encoding string) {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", encoding)
		m.ServeHTTP(to, r)
	}
	type held struct {
		client       *slowClient
		name         string
		memory, then []byte
		ended        chan struct{}
	}
	var all []held
	kinds := []string{"text/plain", "application/openmetrics-text; version=1.0.0", protobuf}
	for i, accept := range kinds {
		for _, encoding := range []string{"identity", "gzip"} {
			h := held{
				client: &slowClient{httptest.NewRecorder(), make(chan []byte), make(chan struct{})},
				name:   fmt.Sprint(i, encoding), ended: make(chan struct{}),
			}
			go func() {
				defer close(h.ended)
				ask(h.client, accept, encoding)
			}()
			h.memory = <-h.client.page
			h.then = bytes.Clone(h.memory)
			all = append(all, h)
			clicks.Add(1)
		}
	}
	for range 10 { // others come, and what they get is of their own time
		clicks.Add(1)
		for _, accept := range kinds {
			for _, encoding := range []string{"identity", "gzip"} {
				ask(httptest.NewRecorder(), accept, encoding)
			}
		}
	}
	for _, h := range all {
		if !bytes.Equal(h.memory, h.then) {
			t.Errorf("%s: the page has changed while it was held", h.name)
		}
		close(h.client.goOn)
		<-h.ended
	}
	if got := samplesOf(t, scrape(t, m, "text/plain"), "text/plain")["{__name__=\"clicks_total\"}"]; got != 1016 {
		t.Errorf("after all it is %v", got)
	}
}

const protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// TestHeadSaysWhatGetWouldSend in every format, compressed and not.
func TestHeadSaysWhatGetWouldSend(t *testing.T) {
	m := newMerger(t, pydir.Options{Dir: unpack(t, "client_python-0.25.0")})
	for _, accept := range []string{"text/plain", "application/openmetrics-text; version=1.0.0", protobuf} {
		for _, encoding := range []string{"identity", "gzip"} {
			answers := map[string]*httptest.ResponseRecorder{}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := httptest.NewRequest(method, "/metrics", nil)
				r.Header.Set("Accept", accept)
				r.Header.Set("Accept-Encoding", encoding)
				answers[method] = httptest.NewRecorder()
				m.ServeHTTP(answers[method], r)
			}
			get, head := answers[http.MethodGet], answers[http.MethodHead]
			if n, err := strconv.Atoi(get.Header().Get("Content-Length")); err != nil || n != get.Body.Len() {
				t.Errorf("%s, %s: %s of %d bytes are announced", accept, encoding, get.Header().Get("Content-Length"), get.Body.Len())
			}
			if n, err := strconv.Atoi(head.Header().Get("Content-Length")); err != nil || n == 0 || head.Body.Len() != 0 {
				t.Errorf("%s, %s: HEAD announces %d and sends %d, %v", accept, encoding, n, head.Body.Len(), err)
			}
			if g, h := get.Header().Get("Content-Type"), head.Header().Get("Content-Type"); g != h {
				t.Errorf("%s: GET is %s and HEAD %s", accept, g, h)
			}
			if encoding == "gzip" {
				z, err := gzip.NewReader(get.Body)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(z); err != nil {
					t.Errorf("%s: %v", accept, err)
				}
			}
		}
	}
}

// TestPythonsOwnParserFindsNothingWrong asks the client's own implementation of OpenMetrics, also with labels and helps that need
// escapes.
func TestPythonsOwnParserFindsNothingWrong(t *testing.T) {
	python := tool.Python(t, "prometheus_client")
	escapes := t.TempDir()
	w := pydirtest.NewWorker(escapes, "1", pydirtest.Since018)
	w.Counter("clicks", "\"Clicks\"\nand \\n.", pydirtest.Label{Name: "page", Value: "\"a\"\n\\n é"}).Add(1)
	w.Gauge("max", "clicks_in_progress", "Clicks.").Set(math.NaN())
	w.Gauge("max", "least", "Least.").Set(math.Inf(-1))
	w.Gauge("max", "size", "Size.").Set(1e300)
	w.Gauge("max", "jumps", "As a counter without its ending.").Set(1)
	w.Counter("jumps", "Jumps.").Add(1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{unpack(t, "client_python-0.14.1"), unpack(t, "client_python-0.16.0"), unpack(t, "client_python-0.25.0"), escapes} {
		page := scrape(t, newMerger(t, pydir.Options{Dir: dir}), "application/openmetrics-text; version=1.0.0")
		check := exec.Command(python, "-c", `import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(sum(len(f.samples) for f in text_string_to_metric_families(sys.stdin.read())))`)
		check.Stdin = strings.NewReader(page)
		samples := 0
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "#") {
				samples++
			}
		}
		out, err := check.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != strconv.Itoa(samples) || samples == 0 {
			t.Errorf("%s has %d samples: %v\n%s\n%s", dir, samples, err, out, page)
		}
	}
}
