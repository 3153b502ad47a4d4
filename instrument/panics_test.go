package instrument_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument"
)

func TestPanicsAreCountedByRouteAndType(t *testing.T) {
	m, _ := newMetrics(t)
	mux := http.NewServeMux()
	var nothing map[string]int
	for path, fail := range map[string]func(){
		"/string": func() { panic("text") },
		"/error":  func() { panic(fmt.Errorf("an error: %w", errBroken)) },
		"/index":  func() { _ = []int{}[len(nothing)] },
		"/map":    func() { nothing["x"] = 1 },
		"/nil":    func() { panic(nil) }, //nolint:govet // what panics so is a runtime.PanicNilError
		"/abort":  func() { panic(http.ErrAbortHandler) },
	} {
		mux.HandleFunc(path, func(http.ResponseWriter, *http.Request) { fail() })
	}
	h := m.Middleware(mux)
	for _, path := range []string{"/string", "/error", "/index", "/map", "/nil", "/abort", "/index"} {
		if value := through(h, "GET", path); value == nil {
			t.Errorf("%s: the panic did not go on", path)
		}
	}
	expectLines(t, m,
		`http_panics_total{route="/string",type="string"} 1`,
		`http_panics_total{route="/error",type="*fmt.wrapError"} 1`,
		`http_panics_total{route="/index",type="runtime.boundsError"} 2`,
		`http_panics_total{route="/map",type="runtime.plainError"} 1`,
		`http_panics_total{route="/nil",type="*runtime.PanicNilError"} 1`,
	)
	expectNone(t, m, `http_panics_total{route="/abort"`)
}

func brokenHandler(http.ResponseWriter, *http.Request) { panic("broken") }

func TestAPanicKeepsTheStackOfItsOrigin(t *testing.T) {
	m, _ := newMetrics(t)
	var logged logBuffer
	s := httptest.NewUnstartedServer(m.Outermost(m.Middleware(http.HandlerFunc(brokenHandler))))
	s.Config.ErrorLog = log.New(&logged, "", 0)
	s.Start()
	if _, err := s.Client().Get(s.URL); err == nil {
		t.Error("a broken connection is no error for the client")
	}
	s.Close()
	if text := logged.String(); !strings.Contains(text, "brokenHandler") || !strings.Contains(text, "broken") {
		t.Errorf("the server's log does not say where the panic began:\n%s", text)
	}
}

func TestAConnectionCutOnPurposeIsNoPanicAndKeepsItsStatus(t *testing.T) {
	m, reg := newMetrics(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusPartialContent)
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	h := m.Middleware(mux)
	for _, path := range []string{"/cut", "/silent"} {
		if value := through(h, "GET", path); value != http.ErrAbortHandler {
			t.Errorf("%s: the panic that got out carries %v", path, value)
		}
	}
	expectRequests(t, reg, `{method="GET",route="/cut",status="206"} 1`, `{method="GET",route="/silent",status="500"} 1`)
	expectNone(t, m, "http_panics_total")
}

func TestAGoroutineThatEndsInAHandlerIsNoPanic(t *testing.T) {
	m, reg := newMetrics(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(m.Outermost(m.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() }))), "GET", "/")
	}()
	<-done
	expectRequests(t, reg, `{method="GET",route="unmatched",status="500"} 1`)
	expectNone(t, m, "http_panics_total")
	expectLines(t, m, "http_requests_in_flight 0")
}

func TestL1TypesOfPanicsStayFew(t *testing.T) {
	m, _ := newMetrics(t)
	h := m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err != nil {
			t.Error(err)
		}
		panic(reflect.New(reflect.ArrayOf(n, reflect.TypeFor[int]())).Interface()) // *[n]int
	}))
	for n := range 500 {
		through(h, "GET", fmt.Sprintf("/%d", n))
	}
	expectLines(t, m, `http_panics_total{route="unmatched",type="*[7]int"} 1`, `http_panics_total{route="unmatched",type="other"} 400`,
		`instrument_series_overflowed_total{metric="http_panics_total"} 400`)
	if n := strings.Count(exposition(t, m), "\nhttp_panics_total{"); n != 101 {
		t.Errorf("%d series", n)
	}
}

func TestL2RoutesAndTypesOfPanicsAreBoundedTogether(t *testing.T) {
	for _, tt := range []struct {
		names                        instrument.Names
		metric                       string
		first, last, overflow, count string
	}{
		{
			instrument.PrometheusNames, "http_panics_total",
			`{route="/0",type="*[3]int"} 1`, `{route="/1",type="*[0]int"} 1`, `{route="overflow",type="*[3]int"} 5`, "19",
		},
		{
			instrument.DjangoNames, "django_http_exceptions_total_by_view_total",
			`{view="/0"} 4`, `{view="/4"} 4`, `{view="overflow"} 4`, "4",
		},
	} {
		var logged logBuffer
		m, _ := newMetrics(t, func(o *instrument.Options) {
			o.Names, o.MaxSeries, o.Logger = tt.names, 5, logged.logger()
			o.Route = func(r *http.Request) string { return r.URL.Path }
		})
		for route := range 6 {
			for kind := range 4 {
				// Those of middlewares, since the route of a handler is one of few already.
				h := m.Outermost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					panic(reflect.New(reflect.ArrayOf(kind, reflect.TypeFor[int]())).Interface())
				}))
				through(h, "GET", fmt.Sprintf("/%d", route))
			}
		}
		expectLines(t, m, tt.metric+tt.first, tt.metric+tt.last, tt.metric+tt.overflow,
			fmt.Sprintf("instrument_series_overflowed_total{metric=%q} %s", tt.metric, tt.count))
		if n := strings.Count(logged.String(), tt.metric); n != 1 {
			t.Errorf("%s: logged %d times:\n%s", tt.metric, n, logged.String())
		}
	}
}
