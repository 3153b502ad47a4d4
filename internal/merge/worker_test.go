package merge_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
)

// socketDir is a directory whose path is short enough for unix sockets.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// worker is a real metrics endpoint on a unix socket, honouring the contract of instrument/worker.
type worker struct {
	t      testing.TB
	socket string
	pid    int
	start  float64
	server *http.Server

	mu       sync.Mutex
	registry *prometheus.Registry
	handler  http.Handler // instead of the registry's
	state    string
	bare     bool          // sends no Truecount-Worker header
	hang     chan struct{} // while not nil, answers wait until it is closed
	served   int
}

// startWorker serves dir/pid.sock.
func startWorker(t testing.TB, dir string, pid int) *worker {
	t.Helper()
	w := &worker{t: t, pid: pid, start: 1_763_618_400 + float64(pid)/8, state: "serving",
		socket: filepath.Join(dir, fmt.Sprintf("%d.sock", pid)), registry: prometheus.NewRegistry()}
	w.listen()
	t.Cleanup(w.kill)
	return w
}

func (w *worker) listen() {
	w.t.Helper()
	os.Remove(w.socket)
	l, err := net.Listen("unix", w.socket)
	if err != nil {
		w.t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as after SIGKILL
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(w.server)
}

func (w *worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	hang, handler, state := w.hang, w.handler, w.state
	if handler == nil {
		handler = promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	}
	if !w.bare {
		rw.Header().Set("Truecount-Worker", fmt.Sprintf("pid=%d; start=%.3f; state=%s", w.pid, w.start, state))
	}
	w.served++
	w.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	handler.ServeHTTP(rw, r)
}

// kill ends the endpoint as SIGKILL does: the socket's file stays, nobody listens.
func (w *worker) kill() { _ = w.server.Close() }

// remove takes the socket's file away, as whoever runs workers does after their end.
func (w *worker) remove() {
	w.kill()
	os.Remove(w.socket)
}

func (w *worker) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *worker) counter(name string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: "Test counter."})
	w.registry.MustRegister(c)
	return c
}

func (w *worker) gauge(name string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "Test gauge."})
	w.registry.MustRegister(g)
	return g
}

// says makes the worker answer with a fixed text.
func (w *worker) says(contentType, body string) {
	w.set(func() {
		w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", contentType)
			_, _ = rw.Write([]byte(body))
		})
	})
}

const text = "text/plain; version=0.0.4"

func newMerger(t testing.TB, o merge.Options) *merge.Merger {
	t.Helper()
	if o.Name == "" {
		o.Name = "clicks-0"
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second // so that a busy machine makes no difference; tests of the deadline set their own
	}
	m, err := merge.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// mergerOf reads the sockets of a directory.
func mergerOf(t testing.TB, dir string) *merge.Merger {
	t.Helper()
	return newMerger(t, merge.Options{Source: endpoints.Dir(dir)})
}

func read(t testing.TB, m *merge.Merger) {
	t.Helper()
	if err := m.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// scrape is one scrape through the front, in text format.
func scrape(t testing.TB, h http.Handler) string {
	t.Helper()
	return string(scrapeAs(t, h, ""))
}

func scrapeAs(t testing.TB, h http.Handler, accept string) []byte {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Fatalf("scrape: %d %s", rec.Code, rec.Body)
	}
	return rec.Body.Bytes()
}

const acceptProto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

// families is one scrape as protobuf, by name.
func families(t testing.TB, h http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	out := map[string]*dto.MetricFamily{}
	d := expfmt.NewDecoder(strings.NewReader(string(scrapeAs(t, h, acceptProto))), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		if err := d.Decode(&f); err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return out
		}
		out[f.GetName()] = &f
	}
}

// value is that of a text line beginning with series, or fails.
func value(t testing.TB, h http.Handler, series string) string {
	t.Helper()
	page := scrape(t, h)
	for line := range strings.SplitSeq(page, "\n") {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return rest
		}
	}
	t.Fatalf("no %s in:\n%s", series, page)
	return ""
}

func wantValue(t testing.TB, h http.Handler, series, want string) {
	t.Helper()
	if got := value(t, h, series); got != want {
		t.Errorf("%s is %s, want %s", series, got, want)
	}
}

func wantAbsent(t testing.TB, h http.Handler, series string) {
	t.Helper()
	if page := scrape(t, h); strings.Contains(page, "\n"+series) {
		t.Errorf("%s is exposed:\n%s", series, page)
	}
}

// dated answers with a Date of the worker's own clock.
func dated(h http.Handler, at time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", at.UTC().Format(http.TimeFormat))
		h.ServeHTTP(w, r)
	})
}
