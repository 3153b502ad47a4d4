package endpoint_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/endpoint"
	"github.com/truecount/truecount/instrument/worker"
)

// bound is how many connections the endpoint has at a time by default, and the worker's metrics, too.
const bound = 256

// front is one of the listeners of the library, at which the metrics are under /metrics.
type front struct{ name, addr string }

func (f front) url() string { return "http://" + f.addr + "/metrics" }

// fronts runs them all until the test ends: the endpoint, and a worker's two.
func fronts(t *testing.T) []front {
	t.Helper()
	app, own := runWorker(t, newMetrics(t))
	return []front{
		{"endpoint", run(t, endpoint.Options{Handler: newMetrics(t).Handler()})},
		{"worker's application", app},
		{"worker's metrics", own},
	}
}

// runWorker returns the addresses of the application, which serves its metrics as well, and of the metrics endpoint.
func runWorker(t *testing.T, m *instrument.Metrics) (app, metrics string) {
	t.Helper()
	port := freePort(t)
	t.Setenv("METRICS_START_PORT", strconv.Itoa(port))
	t.Setenv("WEB_CONCURRENCY", "1")
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- worker.Run(ctx, worker.Options{
			Addr: "127.0.0.1:0", Handler: m.Middleware(mux), Metrics: m, OnReady: func(addr net.Addr) { ready <- addr },
			MaxConnections: bound, IdleGrace: time.Millisecond, HandoverTimeout: time.Millisecond,
		})
	}()
	select {
	case addr := <-ready:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("the worker ended with %v", err)
			}
		})
		return addr.String(), net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	case err := <-ended:
		stop()
		t.Fatalf("the worker does not start: %v", err)
		return "", ""
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// connect opens a connection that is closed when the test ends, and sends something.
func (f front) connect(t *testing.T, send string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, send); err != nil {
		t.Fatal(err)
	}
	return conn
}

// serves checks that others are served.
func (f front) serves(t *testing.T) {
	t.Helper()
	if response, body := ask(t, "GET", f.url()); response.StatusCode != 200 || !strings.Contains(body, "\nclicks_total 0\n") {
		t.Errorf("others are answered %s: %.100q", response.Status, body)
	}
}

func TestL4SlowlorisIsCutOffAndHoldsNobodyUp(t *testing.T) {
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			slow := f.connect(t, "GET /metrics HTTP/1.1\r\nHost: x\r\n")
			for range 300 { // more than the endpoint has places for
				f.connect(t, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
			}
			f.serves(t)
			trickling, last := f.connect(t, "GET /metrics HTTP/1.1\r\n"), make(chan error, 1)
			go func() { // a byte now and then does not help
				tick := time.NewTicker(100 * time.Millisecond)
				defer tick.Stop()
				for range tick.C {
					if _, err := io.WriteString(trickling, "X"); err != nil {
						last <- err
						return
					}
				}
			}()
			f.serves(t)
			for _, conn := range []net.Conn{slow, trickling} {
				if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("a slow client is not cut off")
				}
			}
			_ = trickling.Close()
			<-last
		})
	}
}

// TestL4ABodyOf1GBIsNeverRead sends until the server has enough of it. What gets through is what the kernel buffers,
// and the 256 KiB that net/http reads of a body that a handler has left.
func TestL4ABodyOf1GBIsNeverRead(t *testing.T) {
	const limit = 32 << 20
	for _, f := range fronts(t) {
		for _, request := range []string{
			"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n",
			"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n",
			"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n",
		} {
			t.Run(f.name+" "+request[:4], func(t *testing.T) {
				conn := f.connect(t, request)
				if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				var sending sync.WaitGroup
				var sent int
				var sendErr error
				sending.Go(func() {
					chunk := make([]byte, 64<<10)
					for sendErr == nil && sent < limit {
						var n int
						n, sendErr = conn.Write(chunk)
						sent += n
					}
				})
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err == nil {
					if strings.HasPrefix(request, "POST") && response.StatusCode != 405 && response.StatusCode != 413 {
						t.Errorf("POST is answered %s", response.Status)
					}
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
				sending.Wait()
				if sendErr == nil || errors.Is(sendErr, os.ErrDeadlineExceeded) {
					t.Errorf("the server took %d bytes and is not tired of it: %v", sent, sendErr)
				}
				f.serves(t)
			})
		}
	}
}

func TestL4HeadersOf1MBAreRefused(t *testing.T) {
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			for what, request := range map[string]string{
				"one header":   "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 1<<20),
				"many headers": "GET /metrics HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: x\r\n", 1<<20/11),
				"path":         "GET /" + strings.Repeat("x", 1<<20),
			} {
				conn, err := net.Dial("tcp", f.addr)
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				go func() { _, _ = io.WriteString(conn, request+"\r\n\r\n") }()
				status, err := bufio.NewReader(conn).ReadString('\n')
				_ = conn.Close()
				// The answer may be lost to the reset that ends the flood.
				if errors.Is(err, os.ErrDeadlineExceeded) || err == nil && !strings.HasPrefix(status, "HTTP/1.1 431 ") {
					t.Errorf("%s: %q, %v", what, status, err)
				}
			}
			f.serves(t)
		})
	}
}

// descriptors raises the limit of open files to what is allowed, and returns how many idle connections fit, with
// their other ends, into this process.
func descriptors(t *testing.T, want int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	before := limit
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		limit = before
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) })
	if fit := int(limit.Cur) - 2000; fit < want {
		t.Logf("the hard limit of open files is %d: %d connections in place of %d", limit.Max, fit, want)
		return fit
	}
	return want
}

// openOf counts the connections whose other end is open and silent. Nothing is waited for: an end says so at once.
func openOf(t *testing.T, conns []net.Conn) (open int) {
	t.Helper()
	for _, conn := range conns {
		raw, err := conn.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) {
			if _, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT); errors.Is(err, syscall.EAGAIN) {
				open++
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	return open
}

func TestL4TenThousandIdleConnectionsAreBoundedAndHoldNobodyUp(t *testing.T) {
	n := descriptors(t, 10_000)
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			idle := make([]net.Conn, n)
			for i := range idle {
				idle[i] = f.connect(t, "")
				if i%1000 == 0 {
					f.serves(t)
				}
			}
			f.serves(t)
			tick, late := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
			defer tick.Stop()
			for open := openOf(t, idle); open > bound; open = openOf(t, idle) {
				select {
				case <-tick.C:
				case <-late:
					t.Fatalf("%d of %d idle connections are open, and the bound is %d", open, n, bound)
				}
			}
			f.serves(t)
		})
	}
}

func TestL4BadAcceptHeadersFallBackToText(t *testing.T) {
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			for _, accept := range []string{
				"", "text/html", "*/*;q=banana", ";;;,,,", "application/openmetrics-text; version=99", "application/vnd.google.protobuf; proto=evil; encoding=delimited",
				"\x80\xff", "a/b;" + strings.Repeat("c=d;", 2000), strings.Repeat("x/y;q=0.1,", 1000), `text/plain; version="0.0.4`, "/", "text/plain;q=-1", "text/plain;q=1e309",
			} {
				response, body := ask(t, "GET", f.url(), "Accept", accept)
				if response.StatusCode != 200 || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain; version=0.0.4") || !strings.Contains(body, "\nclicks_total 0\n") {
					t.Errorf("Accept: %.60q: %s, %s", accept, response.Status, response.Header.Get("Content-Type"))
				}
			}
			for _, encoding := range []string{"br", "gzip;q=0", "identity;q=0", ",,,;;", "gzip;q=abc", "\x80\xff", "*;q=0", strings.Repeat("x,", 3000)} {
				response, body := ask(t, "GET", f.url(), "Accept-Encoding", encoding)
				if response.StatusCode != 200 || response.Header.Get("Content-Encoding") != "" || !strings.Contains(body, "\nclicks_total 0\n") {
					t.Errorf("Accept-Encoding: %.60q: %s, %q", encoding, response.Status, response.Header.Get("Content-Encoding"))
				}
			}
		})
	}
}

func TestL4TenThousandNamesAreRefusedOrServed(t *testing.T) {
	names := strings.Repeat("name[]=x&", 10_000) + "name[]=clicks_total"
	for _, f := range fronts(t) {
		if response, _ := ask(t, "GET", f.url()+"?"+names); response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %s", f.name, response.Status)
		}
		few := strings.Repeat("name[]=x&", 1000) + "name[]=clicks_total"
		if response, body := ask(t, "GET", f.url()+"?"+few); response.StatusCode != 200 || !strings.Contains(body, "clicks_total 0") {
			t.Errorf("%s, 1,000 names: %s", f.name, response.Status)
		}
		f.serves(t)
	}
	w := httptest.NewRecorder()
	newMetrics(t).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics?"+names, nil))
	if w.Code >= 500 || !bytes.Contains(w.Body.Bytes(), []byte("clicks_total 0")) {
		t.Errorf("the handler itself: %d, %.200s", w.Code, w.Body)
	}
}

// A worker's fronts have the bound of the handler of metrics itself, Options.MaxScrapes.
func TestL4RequestsAtOnceAreBounded(t *testing.T) {
	var mu sync.Mutex
	inside, most := 0, 0
	release := make(chan struct{})
	addr := run(t, endpoint.Options{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		<-release
		mu.Lock()
		inside--
		mu.Unlock()
	})})
	var wg sync.WaitGroup
	statuses := make(chan int, 200)
	for range cap(statuses) {
		wg.Go(func() {
			response, _ := ask(t, "GET", fmt.Sprintf("http://%s/metrics", addr))
			statuses <- response.StatusCode
		})
	}
	refused := 0
	for range cap(statuses) - 16 {
		if status := <-statuses; status == 503 {
			refused++
		}
	}
	close(release)
	wg.Wait()
	if most != 16 || refused != cap(statuses)-16 {
		t.Errorf("%d at once, %d refused", most, refused)
	}
}
