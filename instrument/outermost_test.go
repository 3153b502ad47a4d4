package instrument_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/instrument"
)

func extended(o *instrument.Options) { o.Extended = true }

// expectLines compares lines of the exposition, each without its line's end.
func expectLines(t *testing.T, m *instrument.Metrics, lines ...string) {
	t.Helper()
	text := exposition(t, m)
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") && !strings.Contains(line, "_bucket{") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
}

func expectNone(t *testing.T, m *instrument.Metrics, prefixes ...string) {
	t.Helper()
	for line := range strings.Lines(exposition(t, m)) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				t.Errorf("exposed: %s", line)
			}
		}
	}
}

func TestTheSecondLatencyIncludesTheMiddlewares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMetrics(t)
		mux := http.NewServeMux()
		mux.HandleFunc("/page", func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })
		measured := m.Middleware(mux)
		h := m.Outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/forbidden" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			time.Sleep(10 * time.Second)
			measured.ServeHTTP(w, r)
			time.Sleep(20 * time.Second)
		}))
		serve(h, "GET", "/page")
		serve(h, "GET", "/forbidden")
		expectLines(t, m,
			`http_request_duration_seconds_sum{method="GET",route="/page"} 1`,
			`http_request_duration_with_middlewares_seconds_sum 31`,
			`http_request_duration_with_middlewares_seconds_count 2`,
			`http_request_duration_with_middlewares_seconds_bucket{le="0.01"} 1`,
			`http_requests_received_total 2`,
			`http_responses_sent_total 2`,
			`http_requests_unknown_latency_with_middlewares_total 0`,
			`http_requests_total{method="GET",route="/page",status="200"} 1`,
		)
	})
}

func TestARequestIsReceivedBeforeItIsAnswered(t *testing.T) {
	m, _ := newMetrics(t)
	serve(m.Outermost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		expectLines(t, m, "http_requests_received_total 1", "http_responses_sent_total 0")
	})), "GET", "/")
	expectLines(t, m, "http_responses_sent_total 1")
}

func TestAnOutermostWhoseNamesAreTakenIsAnErrorAndServes(t *testing.T) {
	m, reg := newMetrics(t)
	other, err := instrument.New(instrument.Options{Registry: reg, Namespace: "other", WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Err(); err != nil {
		t.Fatal(err)
	}
	if err := reg.Register(newCollector("http_responses_sent_total", nil)); err != nil {
		t.Fatal(err)
	}
	h := m.Outermost(http.HandlerFunc(page))
	if rec := serve(h, "GET", "/"); rec.Body.String() != "hello" {
		t.Errorf("answered %q", rec.Body)
	}
	if err := m.Err(); err == nil || !strings.Contains(err.Error(), "http_responses_sent_total") {
		t.Errorf("got %v", err)
	}
}

func TestAConnectionTakenOverHasNoLatencyAndIsCountedAsUnknown(t *testing.T) {
	for _, between := range []struct {
		name string
		wrap func(http.Handler) http.Handler
	}{
		{"nothing between", func(next http.Handler) http.Handler { return next }},
		{"a writer between that only unwraps", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(unwrapping{w}, r) })
		}},
	} {
		t.Run(between.name, func(t *testing.T) {
			m, _ := newMetrics(t, extended)
			done := make(chan struct{})
			h := m.Outermost(between.wrap(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.Close()
			}))))
			s := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { defer close(done); h.ServeHTTP(w, r) }), false)
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			<-done
			expectLines(t, m,
				`http_requests_total{method="GET",route="unmatched",status="101"} 1`,
				`http_request_duration_seconds_count{method="GET",route="unmatched"} 0`,
				`http_response_size_bytes_count{method="GET",route="unmatched"} 0`,
				`http_requests_unknown_latency_total 1`,
				`http_requests_unknown_latency_with_middlewares_total 1`,
				`http_request_duration_with_middlewares_seconds_count 0`,
			)
			expectNone(t, m, "http_responses_by_charset_total")
		})
	}
}

// through serves a request and returns what the panic carried that got out.
func through(h http.Handler, method, target string) (value any) {
	defer func() { value = recover() }()
	serve(h, method, target)
	return nil
}

func TestAPanicIsCountedOnceWithBothMiddlewares(t *testing.T) {
	errTyped := errors.New("a typed value")
	for _, between := range []struct {
		name string
		wrap func(http.Handler) http.Handler
	}{
		{"nothing between", func(next http.Handler) http.Handler { return next }},
		// http.TimeoutHandler serves in another goroutine, with a writer that can't be unwrapped, and panics again.
		{"a time-out between", func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Hour, "") }},
	} {
		t.Run(between.name, func(t *testing.T) {
			m, _ := newMetrics(t)
			mux := http.NewServeMux()
			mux.HandleFunc("/broken", func(http.ResponseWriter, *http.Request) { panic(errTyped) })
			h := m.Outermost(between.wrap(m.Middleware(mux)))
			if value := through(h, "GET", "/broken"); value != errTyped {
				t.Errorf("the panic that got out carries %v", value)
			}
			expectLines(t, m, `http_panics_total{route="/broken",type="*errors.errorString"} 1`,
				"http_responses_sent_total 1", "http_request_duration_with_middlewares_seconds_count 1")
			expectNone(t, m, `http_panics_total{route="unmatched"`)
		})
	}
}

func TestAPanicOfAMiddlewareBetweenIsCounted(t *testing.T) {
	m, _ := newMetrics(t)
	h := m.Outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetRoute(w, "auth")
		panic("broken")
	}))
	if value := through(h, "GET", "/page"); value != "broken" {
		t.Errorf("the panic that got out carries %v", value)
	}
	if value := through(m.Outermost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })), "GET", "/"); value != http.ErrAbortHandler {
		t.Errorf("the panic that got out carries %v", value)
	}
	expectLines(t, m, `http_panics_total{route="auth",type="string"} 1`)
	expectNone(t, m, `http_panics_total{route="unmatched"`)
}

func TestARecoveredPanicIsARequestAnswered(t *testing.T) {
	m, _ := newMetrics(t)
	inner := m.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") }))
	h := m.Outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		inner.ServeHTTP(w, r)
	}))
	if rec := serve(h, "GET", "/"); rec.Code != 500 {
		t.Errorf("answered %d", rec.Code)
	}
	expectLines(t, m, `http_panics_total{route="unmatched",type="string"} 1`, "http_responses_sent_total 1")
}
