package instrument_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// controls has every method of http.ResponseController, by name.
var controls = map[string]func(*http.ResponseController) error{
	"Flush":            (*http.ResponseController).Flush,
	"EnableFullDuplex": (*http.ResponseController).EnableFullDuplex,
	"SetReadDeadline":  func(c *http.ResponseController) error { return c.SetReadDeadline(time.Now().Add(time.Minute)) },
	"SetWriteDeadline": func(c *http.ResponseController) error { return c.SetWriteDeadline(time.Now().Add(time.Minute)) },
	"Hijack": func(c *http.ResponseController) error {
		conn, buf, err := c.Hijack()
		if err == nil {
			_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<nil>")
			_ = buf.Flush()
			_ = conn.Close()
		}
		return err
	},
}

func TestEveryMethodOfResponseControllerWorksAsWithoutTheMiddleware(t *testing.T) {
	m, _ := newMetrics(t, extended)
	for name, control := range controls {
		for _, http2 := range []bool{false, true} {
			answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprint(w, control(http.NewResponseController(w)))
			})
			between := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				m.Middleware(answer).ServeHTTP(unwrapping{w}, r)
			})
			var got [3]string
			for i, h := range []http.Handler{answer, m.Outermost(m.Middleware(answer)), m.Outermost(between)} {
				s := served(t, h, http2)
				response, err := s.Client().Get(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				got[i] = string(body)
				s.Close()
			}
			if got[1] != got[0] || got[2] != got[0] {
				t.Errorf("%s, HTTP/2 %t: bare %q, with the middlewares %q, with a writer between that only unwraps %q", name, http2, got[0], got[1], got[2])
			}
		}
	}
}

func TestAnAnswerIsStreamedIfItWasFlushed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter)
		want   int
	}{
		{"written", func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", 100_000)) }, 0},
		{"copied", func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader("x"), 1)) }, 0},
		{"flushed", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, 1},
		{"flushed twice", func(w http.ResponseWriter) { w.(http.Flusher).Flush(); w.(http.Flusher).Flush() }, 1},
		{"flushed by a controller", func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, 1},
		{"flushed through a writer that only unwraps", func(w http.ResponseWriter) { _ = http.NewResponseController(unwrapping{w}).Flush() }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := newMetrics(t, extended)
			answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.answer(w) })
			for _, http2 := range []bool{false, true} {
				s := served(t, m.Middleware(answer), http2)
				response, err := s.Client().Get(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				// The end of the body is sent when the handler has returned, so it is counted by then.
				if _, err := io.Copy(io.Discard, response.Body); err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				s.Close()
			}
			expectLines(t, m, fmt.Sprintf("http_responses_streamed_total %d", 2*tt.want))
		})
	}
}

func TestAFlushThatCantBeIsNotCounted(t *testing.T) {
	m, _ := newMetrics(t, extended)
	m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err == nil {
			t.Error("a writer that can't flush was flushed")
		}
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("a writer without a connection was taken over")
		}
	})).ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	expectLines(t, m, "http_responses_streamed_total 0", "http_requests_unknown_latency_total 0",
		`http_requests_total{method="GET",route="unmatched",status="200"} 1`)
}
