package worker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"go.uber.org/goleak"
)

// asWorker makes the test binary a worker process, so that real processes can be drained.
const asWorker = "WORKER_TEST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		if err := countingWorker(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// countingWorker counts POST /count, twice: in a counter of its own and by the middleware. GET /child answers what a
// child process of the worker inherits.
func countingWorker() error {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	counted := m.Counter(prometheus.CounterOpts{Name: "counted_total", Help: "Requests counted."})
	if err := m.Err(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /count", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		counted.Inc()
		_, _ = io.WriteString(w, "{}")
	})
	mux.HandleFunc("GET /child", func(w http.ResponseWriter, r *http.Request) {
		out, err := exec.Command("/bin/sh", "-c", "env; for fd in 3 4 5 6 7 8 9; do readlink /proc/self/fd/$fd; done; true").Output()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(out)
	})
	patience, _ := time.ParseDuration(os.Getenv("WORKER_TEST_PATIENCE"))
	return Run(context.Background(), Options{
		rangePatience: patience, // a busy machine answers late
		Handler:       m.Middleware(mux), Metrics: m, Addr: os.Getenv("WORKER_TEST_ADDR"),
		IdleGrace: 20 * time.Second, HandoverTimeout: 20 * time.Second, // its clients may be late, too
	})
}

// client is a keep-alive client that, unlike net/http's, never tries again: what is dropped is seen.
type client struct {
	addr string
	conn net.Conn
	buf  *bufio.Reader
}

func (c *client) connect() error {
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	c.conn, c.buf = conn, bufio.NewReader(conn)
	return conn.SetDeadline(time.Now().Add(time.Minute))
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *client) send(method, path, body string) error {
	_, err := fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	return err
}

func (c *client) receive() (response *http.Response, body string, err error) {
	if response, err = http.ReadResponse(c.buf, nil); err != nil {
		return nil, "", err
	}
	content, err := io.ReadAll(response.Body)
	if response.Close || err != nil {
		c.close()
	}
	return response, string(content), err
}

// do sends one request, on the connection there is or a new one.
func (c *client) do(method, path, body string) (*http.Response, string, error) {
	if c.conn == nil {
		if err := c.connect(); err != nil {
			return nil, "", err
		}
	}
	if err := c.send(method, path, body); err != nil {
		c.close()
		return nil, "", err
	}
	response, content, err := c.receive()
	if err != nil {
		c.close()
	}
	return response, content, err
}

// eventually asks until ok, or fails the test after a time that only a hang takes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		}
	}
}

// scrape reads /metrics from a worker's unix socket, or from a port if address has one.
func scrape(network, address, query string) (*http.Response, string, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Get("http://worker/metrics" + query)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// sample returns the value of the sample whose line begins with series and a space, or 0.
func sample(t *testing.T, metrics, series string) int {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), series+" "); found {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	return 0
}
