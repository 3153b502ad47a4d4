package instrument_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// served runs h on a real server, HTTP/2 over TLS if asked for.
func served(t *testing.T, h http.Handler, http2 bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if http2 {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func TestOptionalInterfacesAreThoseOfTheServer(t *testing.T) {
	sets := func(w http.ResponseWriter) string {
		_, flusher := w.(http.Flusher)
		_, hijacker := w.(http.Hijacker)
		_, readerFrom := w.(io.ReaderFrom)
		_, pusher := w.(http.Pusher)
		_, stringWriter := w.(io.StringWriter)
		_, closeNotifier := w.(interface{ CloseNotify() <-chan bool })
		return fmt.Sprint(flusher, hijacker, readerFrom, pusher, stringWriter, closeNotifier)
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, sets(w)) })
	m, _ := newMetrics(t)
	for _, http2 := range []bool{false, true} {
		var got [2]string
		for i, h := range []http.Handler{answer, m.Middleware(answer)} {
			s := served(t, h, http2)
			response, err := s.Client().Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			got[i] = string(body)
		}
		if got[0] != got[1] {
			t.Errorf("HTTP/2 %t: bare %s, with the middleware %s", http2, got[0], got[1])
		}
	}
	// Flush, Hijack, ReadFrom, Push, WriteString, CloseNotify: a writer that has none must not seem to have them.
	rec := httptest.NewRecorder()
	m.Middleware(answer).ServeHTTP(struct{ http.ResponseWriter }{rec}, httptest.NewRequest("GET", "/", nil))
	if got := rec.Body.String(); got != "false false false false true false" {
		t.Errorf("of a plain writer: %s", got)
	}
}

func TestStreamingReachesTheClientBeforeTheHandlerEnds(t *testing.T) {
	m, _ := newMetrics(t)
	for _, http2 := range []bool{false, true} {
		release := make(chan struct{})
		s := served(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			if err := rc.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Errorf("HTTP/2 %t: deadline through the middleware: %v", http2, err)
			}
			_, _ = io.WriteString(w, "first\n")
			if err := rc.Flush(); err != nil {
				t.Errorf("HTTP/2 %t: flush: %v", http2, err)
			}
			<-release
			_, _ = io.WriteString(w, "second\n")
		})), http2)
		response, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(response.Body)
		if line, err := lines.ReadString('\n'); err != nil || line != "first\n" {
			t.Errorf("got %q, %v", line, err)
		}
		close(release)
		if rest, err := io.ReadAll(lines); err != nil || string(rest) != "second\n" {
			t.Errorf("got %q, %v", rest, err)
		}
		_ = response.Body.Close()
	}
}

func TestAConnectionTakenOverIsCountedAs101(t *testing.T) {
	m, reg := newMetrics(t)
	done := make(chan struct{})
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = buf.WriteString("raw")
		_ = buf.Flush()
		_ = conn.Close()
	}))
	s := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r); close(done) }), false)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "raw" {
		t.Errorf("got %q, %v", got, err)
	}
	<-done
	expectRequests(t, reg, `{method="GET",route="unmatched",status="101"} 1`)
}

func TestInformationalResponsesAreNotTheStatus(t *testing.T) {
	m, reg := newMetrics(t)
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // superfluous: the server ignores it, and so do we
	}))
	serve(h, "GET", "/")
	expectRequests(t, reg, `{method="GET",route="unmatched",status="418"} 1`)
}

func TestFilesAreSentThroughReadFrom(t *testing.T) {
	m, _ := newMetrics(t)
	s := served(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(w, io.LimitReader(strings.NewReader(strings.Repeat("x", 5000)), 5000)); n != 5000 || err != nil {
			t.Errorf("copied %d, %v", n, err)
		}
	})), false)
	response, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || len(body) != 5000 {
		t.Errorf("got %d bytes, %v", len(body), err)
	}
	if text := exposition(t, m); !strings.Contains(text, `http_response_size_bytes_sum{method="GET",route="unmatched"} 5000`) {
		t.Error("the size is not what was sent")
	}
}

// copier is a server's writer that counts the bytes that reach it without being copied by its user.
type copier struct {
	http.ResponseWriter
	http.Flusher
	http.Hijacker
	read int64
}

func (c *copier) ReadFrom(src io.Reader) (n int64, err error) {
	n, err = io.Copy(io.Discard, src)
	c.read += n
	return n, err
}

func TestWhatIsCopiedIsLeftToTheServer(t *testing.T) {
	m, _ := newMetrics(t)
	server := &copier{ResponseWriter: httptest.NewRecorder()}
	m.Outermost(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(strings.NewReader("hello"), 5))
	}))).ServeHTTP(server, httptest.NewRequest("GET", "/", nil))
	if server.read != 5 {
		t.Errorf("%d bytes of 5 reach the server's ReadFrom, which sends files by sendfile", server.read)
	}
	expectLines(t, m, `http_response_size_bytes_sum{method="GET",route="unmatched"} 5`)
}

// TestAWriterLeftBehindNeverReachesAnotherResponse is why recorders are not pooled.
func TestAWriterLeftBehindNeverReachesAnotherResponse(t *testing.T) {
	m, _ := newMetrics(t)
	var mu sync.Mutex
	var leaked []http.ResponseWriter
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		leaked = append(leaked, w)
	}))
	const requests = 500
	first := make([]*httptest.ResponseRecorder, requests)
	for n := range requests {
		first[n] = serve(h, "GET", "/")
	}
	seen := map[http.ResponseWriter]bool{}
	for n, w := range leaked {
		if seen[w] {
			t.Fatalf("request %d was given a writer that an earlier one still has", n)
		}
		seen[w] = true
		_, _ = fmt.Fprint(w, n)
	}
	for n, rec := range first {
		if rec.Body.String() != fmt.Sprint(n) {
			t.Fatalf("response %d has %q", n, rec.Body)
		}
	}
}
