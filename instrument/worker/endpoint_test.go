package worker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func socketOf(dir string) string { return filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock") }

func TestTheMetricsSocketIsPrivateAndGoesWithTheWorker(t *testing.T) {
	dir := t.TempDir()
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketOf(dir), Net: "unix"}) // of an earlier process of our pid
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()

	w := runWorker(t, Options{Handler: answering("app"), MetricsHandler: answering("metrics"), HandoverTimeout: time.Millisecond},
		environment{metricsDir: dir})
	info, err := os.Stat(socketOf(dir))
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	response, body, err := scrape("unix", socketOf(dir), "")
	if err != nil || body != "metrics" {
		t.Errorf("got %q, %v", body, err)
	}
	form := regexp.MustCompile(fmt.Sprintf(`^pid=%d; start=\d{10}\.\d{3}; state=serving$`, os.Getpid()))
	if got := response.Header.Get(HeaderWorker); !form.MatchString(got) {
		t.Errorf("%s: %s", HeaderWorker, got)
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAFileThatIsNoSocketIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(socketOf(dir), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), Options{Handler: answering(""), MetricsHandler: answering(""), Addr: "127.0.0.1:0"}, environment{metricsDir: dir})
	if err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(socketOf(dir)); err != nil || string(content) != "precious" {
		t.Errorf("the file is now %q, %v", content, err)
	}
}

func TestADrainedWorkerWaitsForOneWholeReading(t *testing.T) {
	dir := t.TempDir()
	var broken atomic.Bool
	metrics := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			http.Error(w, "collector stuck", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("totals"))
	})
	w := runWorker(t, Options{Handler: answering(""), MetricsHandler: metrics, HandoverTimeout: time.Minute}, environment{metricsDir: dir})
	w.end()
	drained := func(query string) (string, bool) {
		response, body, err := scrape("unix", socketOf(dir), query)
		if err != nil {
			t.Fatal(err)
		}
		return body, strings.HasSuffix(response.Header.Get(HeaderWorker), "state=drained")
	}
	eventually(t, "drained", func() bool {
		_, ok := drained("?name[]=part") // a part is not a reading of the totals
		return ok
	})
	broken.Store(true)
	drained("")
	broken.Store(false)
	conn, err := net.Dial("unix", socketOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "HEAD /metrics HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "state=drained") {
		t.Errorf("HEAD answered %q, %v", answer, err)
	}
	_ = conn.Close()
	select {
	case err := <-w.ended:
		t.Fatalf("the worker ended before its totals were read: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if body, ok := drained(""); body != "totals" || !ok {
		t.Errorf("last reading: %q, drained: %t", body, ok)
	}
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestTheEndpointServesNothingButMetrics(t *testing.T) {
	dir := t.TempDir()
	w := runWorker(t, Options{Handler: answering("app"), MetricsHandler: answering("metrics"), HandoverTimeout: time.Millisecond}, environment{metricsDir: dir})
	conn, err := net.Dial("unix", socketOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "GET /debug/pprof/ HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 12)
	if _, err := conn.Read(line); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if string(line) != "HTTP/1.0 404" {
		t.Errorf("got %q", line)
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}
