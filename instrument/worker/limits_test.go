package worker

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// crowd opens connections that never ask for anything.
func crowd(t *testing.T, network, address string, n int) {
	t.Helper()
	for range n {
		conn, err := net.Dial(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

func TestL4IdleConnectionsShutNobodyOut(t *testing.T) {
	dir := t.TempDir()
	w := runWorker(t, Options{Handler: answering("app"), MetricsHandler: answering("metrics"), MaxConnections: 20,
		HandoverTimeout: time.Millisecond, IdleGrace: time.Millisecond}, environment{metricsDir: dir})
	before := openFiles(t)
	crowd(t, "tcp", w.addr, 200)
	crowd(t, "unix", socketOf(dir), 400)
	if _, body, err := w.client().do("GET", "/", ""); err != nil || body != "app" {
		t.Errorf("the application answers %q, %v", body, err)
	}
	if _, body, err := scrape("unix", socketOf(dir), ""); err != nil || body != "metrics" {
		t.Errorf("the metrics endpoint answers %q, %v", body, err)
	}
	// The crowd's own ends are open in this process as well.
	if held := openFiles(t) - before - 600; held > 20+metricsConnections+10 {
		t.Errorf("%d files are held by connections that wait", held)
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

// openFiles counts this process' open files, or returns 0 where there is no way to.
func openFiles(t *testing.T) int {
	t.Helper()
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(dir); err == nil {
			return len(entries)
		}
	}
	return 0
}

func TestL4RequestsThatAreServedKeepTheirConnections(t *testing.T) {
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, MaxConnections: 2, IdleGrace: time.Millisecond}, environment{})
	slow := w.client()
	if err := slow.connect(); err != nil {
		t.Fatal(err)
	}
	if err := slow.send("GET", "/slow", ""); err != nil {
		t.Fatal(err)
	}
	<-b.entered
	crowd(t, "tcp", w.addr, 50)
	if _, body, err := w.client().do("GET", "/", ""); err != nil || body != "done" {
		t.Errorf("beside a request that takes long: %q, %v", body, err)
	}
	close(b.release)
	if _, body, err := slow.receive(); err != nil || body != "done" {
		t.Errorf("the request that took long: %q, %v", body, err)
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestL4TheMetricsEndpointReadsNoBodies(t *testing.T) {
	dir := t.TempDir()
	w := runWorker(t, Options{Handler: answering("app"), MetricsHandler: answering("metrics"), HandoverTimeout: time.Millisecond}, environment{metricsDir: dir})
	for name, request := range map[string]string{
		"with a length": "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n",
		"in chunks":     "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
	} {
		conn, err := net.Dial("unix", socketOf(dir))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(answer, fmt.Sprint("HTTP/1.1 ", http.StatusRequestEntityTooLarge)) {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
		_ = conn.Close()
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestTheDefaultLeavesFilesToTheApplication(t *testing.T) {
	if n := defaultConnections(); n < 1 || n > mostConnections {
		t.Errorf("%d connections", n)
	}
}
