package instrument_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument"
)

// zoo is a service with something of everything.
func zoo() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		instrument.SetTemplate(w, "layout.html")
		instrument.SetTemplate(w, "page.html")
		_, _ = io.WriteString(w, "<html>hello")
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=UTF-8")
		_, _ = io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
	})
	return mux
}

func ask(h http.Handler, method, target, body string, change ...func(*http.Request)) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, c := range change {
		c(r)
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func ajax(r *http.Request)          { r.Header.Set("X-Requested-With", "XMLHttpRequest") }
func unknownLength(r *http.Request) { r.ContentLength = -1 }

// visit asks the zoo's service for everything once.
func visit(h http.Handler) {
	ask(h, "GET", "/page", "")
	ask(h, "GET", "https://example.com/page", "", ajax)
	ask(h, "POST", "/upload", strings.Repeat("x", 300))
	ask(h, "POST", "/upload", strings.Repeat("x", 300), unknownLength)
	ask(h, "GET", "/events", "")
	ask(h, "GET", "/nowhere", "", func(r *http.Request) { r.Header.Set("X-Requested-With", "somebody") })
	ask(h, "BREW", "/page", "")
}

func TestTheExtendedMetricsSayWhatDjangosSay(t *testing.T) {
	m, _ := newMetrics(t, extended)
	visit(m.Outermost(m.Middleware(zoo())))
	expectLines(t, m,
		`http_requests_received_total 7`,
		`http_responses_sent_total 7`,
		`http_requests_unknown_latency_total 0`,
		`http_requests_ajax_total 1`,
		`http_requests_by_scheme_total{method="GET",route="/page",scheme="http"} 1`,
		`http_requests_by_scheme_total{method="GET",route="/page",scheme="https"} 1`,
		`http_requests_by_scheme_total{method="GET",route="unmatched",scheme="http"} 1`,
		`http_requests_by_scheme_total{method="other",route="unmatched",scheme="http"} 1`,
		`http_request_size_bytes_sum{method="POST",route="/upload"} 300`,
		`http_request_size_bytes_count{method="POST",route="/upload"} 1`, // of two: the other's is not known
		`http_request_size_bytes_count{method="GET",route="/page"} 2`,
		`http_responses_by_template_total{template="page.html"} 2`,
		`http_responses_by_charset_total{charset="utf-8"} 5`,
		`http_responses_by_charset_total{charset="none"} 2`,
		`http_responses_streamed_total 1`,
		`http_response_size_bytes_sum{method="GET",route="/events"} 9`,
	)
	expectNone(t, m, `http_responses_by_template_total{template="layout.html"}`)
}

func TestDjangoNamesHaveDjangosValues(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) { o.Names = instrument.DjangoNames })
	visit(m.Outermost(m.Middleware(zoo())))
	expectLines(t, m,
		`django_http_requests_before_middlewares_total 7`,
		`django_http_responses_before_middlewares_total 7`,
		`django_http_requests_latency_including_middlewares_seconds_count 7`,
		`django_http_requests_unknown_latency_including_middlewares_total 0`,
		`django_http_requests_latency_seconds_by_view_method_count{method="GET",view="/page"} 2`,
		`django_http_requests_latency_seconds_by_view_method_count{method="<invalid method>",view="<unnamed view>"} 1`,
		`django_http_requests_unknown_latency_total 0`,
		`django_http_ajax_requests_total 1`,
		`django_http_requests_total_by_method_total{method="GET"} 4`,
		`django_http_requests_total_by_method_total{method="POST"} 2`,
		`django_http_requests_total_by_method_total{method="<invalid method>"} 1`,
		`django_http_requests_total_by_transport_total{transport="http"} 6`,
		`django_http_requests_total_by_transport_total{transport="https"} 1`,
		`django_http_requests_total_by_view_transport_method_total{method="GET",transport="https",view="/page"} 1`,
		`django_http_requests_body_total_bytes_sum 300`,
		`django_http_requests_body_total_bytes_count 6`,
		`django_http_responses_total_by_templatename_total{templatename="page.html"} 2`,
		`django_http_responses_total_by_status_total{status="200"} 5`,
		`django_http_responses_total_by_status_total{status="404"} 1`,
		`django_http_responses_total_by_status_total{status="405"} 1`,
		`django_http_responses_total_by_status_view_method_total{method="GET",status="404",view="<unnamed view>"} 1`,
		`django_http_responses_total_by_status_view_method_total{method="POST",status="200",view="/upload"} 2`,
		`django_http_responses_body_total_bytes_count 6`, // of seven: one was streamed
		`django_http_responses_total_by_charset_total{charset="utf-8"} 5`,
		`django_http_responses_streaming_total 1`,
	)
	// django-prometheus counts these once a view is found.
	expectNone(t, m, `django_http_requests_total_by_view_transport_method_total{method="GET",transport="http",view="<unnamed view>"}`)
}

func TestDjangoNamesCountPanicsByTypeAndByView(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) { o.Names = instrument.DjangoNames })
	mux := http.NewServeMux()
	mux.HandleFunc("/broken", brokenHandler)
	h := m.Outermost(m.Middleware(mux))
	through(h, "GET", "/broken")
	through(h, "GET", "/broken")
	expectLines(t, m,
		`django_http_exceptions_total_by_type_total{type="string"} 2`,
		`django_http_exceptions_total_by_view_total{view="/broken"} 2`,
		`django_http_responses_total_by_status_view_method_total{method="GET",status="500",view="/broken"} 2`,
		`django_http_requests_latency_seconds_by_view_method_count{method="GET",view="/broken"} 2`,
	)
}

func TestTheSchemeIsWhatTheOptionSays(t *testing.T) {
	m, _ := newMetrics(t, extended, func(o *instrument.Options) {
		o.Secure = func(r *http.Request) bool { return r.Header.Get("X-Forwarded-Proto") == "https" }
	})
	h := m.Middleware(zoo())
	ask(h, "GET", "/page", "", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") })
	ask(h, "GET", "/page", "", func(r *http.Request) { r.TLS = &tls.ConnectionState{} })
	expectLines(t, m,
		`http_requests_by_scheme_total{method="GET",route="/page",scheme="http"} 1`,
		`http_requests_by_scheme_total{method="GET",route="/page",scheme="https"} 1`,
	)
}

func TestL1TemplatesAndContentTypesStayFew(t *testing.T) {
	m, _ := newMetrics(t, extended)
	h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetTemplate(w, r.URL.Path)
		w.Header().Set("Content-Type", "text/html; charset="+r.URL.Path[1:])
	}))
	for n := range 1000 {
		serve(h, "GET", fmt.Sprintf("/%d", n))
	}
	serve(h, "GET", "/"+strings.Repeat("x", 10_000))
	expectLines(t, m,
		`http_responses_by_template_total{template="/99"} 1`,
		`http_responses_by_template_total{template="overflow"} 901`,
		`instrument_series_overflowed_total{metric="http_responses_by_template_total"} 901`,
		`http_responses_by_charset_total{charset="other"} 1001`,
		`instrument_series_overflowed_total{metric="http_responses_by_charset_total"} 0`,
	)
}

func TestAMalformedContentLengthNeverReachesAHandler(t *testing.T) {
	m, _ := newMetrics(t, extended)
	s := served(t, m.Middleware(zoo()), false)
	for _, header := range []string{"Content-Length: x", "Content-Length: -5", "Content-Length: 99999999999999999999", "Content-Length: 1\r\nContent-Length: 2"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", header); err != nil {
			t.Fatal(err)
		}
		status, err := bufio.NewReader(conn).ReadString('\n')
		_ = conn.Close()
		if err != nil || !strings.Contains(status, " 400 ") {
			t.Errorf("%s: %q, %v", header, status, err)
		}
	}
	// Requests that were made by hand may have anything.
	ask(m.Middleware(zoo()), "POST", "/upload", "", func(r *http.Request) { r.ContentLength = -7; r.Header.Set("Content-Length", "x") })
	expectLines(t, m, `http_request_size_bytes_count{method="POST",route="/upload"} 0`)
}

func TestWhatIsOffIsNotExposed(t *testing.T) {
	m, _ := newMetrics(t)
	visit(m.Middleware(zoo()))
	for line := range strings.Lines(exposition(t, m)) {
		if name, found := strings.CutPrefix(line, "# TYPE "); found {
			switch name, _, _ := strings.Cut(name, " "); name {
			case "http_requests_total", "http_request_duration_seconds", "http_response_size_bytes", "http_requests_in_flight":
			default:
				if strings.HasPrefix(name, "http_") {
					t.Errorf("%s is exposed", name)
				}
			}
		}
	}
}
