package instrument_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/instrument"
)

const (
	aTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	aSpan  = "00f067aa0ba902b7"
	parent = "00-" + aTrace + "-" + aSpan + "-01"
)

func TestTraceparentIsParsedAsTheRecommendationSays(t *testing.T) {
	sampled := instrument.Trace{TraceID: aTrace, SpanID: aSpan, Sampled: true}
	unsampled := instrument.Trace{TraceID: aTrace, SpanID: aSpan}
	for _, tt := range []struct {
		name, header string
		want         instrument.Trace
	}{
		{"sampled", parent, sampled},
		{"not sampled", parent[:54] + "0", unsampled},
		{"other flags", parent[:53] + "fe", unsampled},
		{"a later version", "cc" + parent[2:], sampled},
		{"a later version with more", "cc" + parent[2:] + "-what-the-future-brings", sampled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := instrument.ParseTraceparent(tt.header); !ok || got != tt.want {
				t.Errorf("got %+v, %t", got, ok)
			}
		})
	}
}

// brokenTraceparents are those that the recommendation tells to ignore.
var brokenTraceparents = map[string]string{
	"empty": "", "short": parent[:54], "version ff": "ff" + parent[2:], "version in upper case": "CC" + parent[2:],
	"version 00 with more":             parent + "-x",
	"a later version glued":            "cc" + parent[2:] + "x",
	"zero trace":                       "00-" + strings.Repeat("0", 32) + "-" + aSpan + "-01",
	"zero span":                        "00-" + aTrace + "-" + strings.Repeat("0", 16) + "-01",
	"upper case":                       strings.ToUpper(parent),
	"no hexadecimal":                   "00-" + strings.Repeat("g", 32) + "-" + aSpan + "-01",
	"no dashes":                        strings.ReplaceAll(parent, "-", "_"),
	"flags":                            parent[:53] + "0x",
	"a page of text":                   strings.Repeat("lorem ipsum ", 1000),
	"invalid UTF-8":                    "00-" + strings.Repeat("\xff", 32) + "-" + aSpan + "-01",
	"blank in front":                   " " + parent,
	"a quotation mark in the trace id": "00-" + `"` + aTrace[1:] + "-" + aSpan + "-01",
}

func FuzzTraceparent(f *testing.F) {
	f.Add(parent)
	for _, header := range brokenTraceparents {
		f.Add(header)
	}
	form := regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|$)`)
	f.Fuzz(func(t *testing.T, header string) {
		trace, ok := instrument.ParseTraceparent(header)
		if !ok {
			if trace != (instrument.Trace{}) {
				t.Errorf("a broken header gives %+v", trace)
			}
			return
		}
		if !form.MatchString(header) || header[:2] == "ff" || !strings.HasPrefix(header[3:], trace.TraceID+"-"+trace.SpanID) {
			t.Errorf("%q gives %+v", header, trace)
		}
	})
}

// openMetrics is the exposition that has exemplars.
func openMetrics(t *testing.T, m *instrument.Metrics) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusOK || !strings.HasSuffix(rec.Body.String(), "# EOF\n") {
		t.Fatalf("/metrics answered %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// exemplars returns the lines that have one, without their time stamps.
func exemplars(t *testing.T, m *instrument.Metrics) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(openMetrics(t, m)) {
		if series, exemplar, has := strings.Cut(line, " # {"); has {
			name, _, _ := strings.Cut(series, " ")
			labels, _, _ := strings.Cut(exemplar, "}")
			found = append(found, name+" "+labels)
		}
	}
	return found
}

func traceHeader(h http.Handler, target string, headers ...string) {
	r := httptest.NewRequest("GET", target, nil)
	r.Header["Traceparent"] = headers
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func TestSampledTracesAreExemplarsAndTold(t *testing.T) {
	var told instrument.Served
	m, _ := newMetrics(t, func(o *instrument.Options) {
		o.Trace = instrument.Traceparent
		o.Served = func(_ *http.Request, s instrument.Served) { told = s }
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/page", page)
	h := m.Middleware(mux)
	traceHeader(h, "/page", parent[:54]+"0")
	if got := exemplars(t, m); got != nil {
		t.Errorf("a trace that is not sampled gives %q", got)
	}
	if told.TraceID != aTrace || told.SpanID != aSpan {
		t.Errorf("told %+v", told)
	}
	traceHeader(h, "/page", parent)
	labels := `trace_id="` + aTrace + `",span_id="` + aSpan + `"`
	got := strings.Join(exemplars(t, m), "\n")
	for _, want := range []string{
		`http_requests_total{method="GET",route="/page",status="200"} `,
		`http_request_duration_seconds_bucket{method="GET",route="/page",le="0.01"} `,
	} {
		if !strings.Contains(got, want+labels) && !strings.Contains(got, want+`span_id="`+aSpan+`",trace_id="`+aTrace+`"`) {
			t.Errorf("%s has no exemplar in:\n%s", want, got)
		}
	}
}

func TestL5BrokenTraceIDsAreDroppedAndTheirSamplesKept(t *testing.T) {
	var told instrument.Served
	m, reg := newMetrics(t, func(o *instrument.Options) {
		o.Trace = instrument.Traceparent
		o.Served = func(_ *http.Request, s instrument.Served) { told = s }
	})
	h := m.Middleware(http.HandlerFunc(page))
	for name, header := range brokenTraceparents {
		traceHeader(h, "/", header)
		if told.TraceID != "" || told.SpanID != "" {
			t.Errorf("%s: told of %+v", name, told)
		}
	}
	traceHeader(h, "/", parent, parent)
	if got := exemplars(t, m); got != nil {
		t.Errorf("exemplars: %q", got)
	}
	expectRequests(t, reg, `{method="GET",route="unmatched",status="200"} 17`)
}

func TestL5IDsThatOpenMetricsCantHoldAreDroppedAndTheirSamplesKept(t *testing.T) {
	for _, tt := range []struct {
		name  string
		trace instrument.Trace
		kept  bool
	}{
		{"empty", instrument.Trace{Sampled: true}, false},
		{"too long", instrument.Trace{TraceID: strings.Repeat("x", 121), Sampled: true}, false},
		{"too long together", instrument.Trace{TraceID: strings.Repeat("x", 100), SpanID: strings.Repeat("x", 14), Sampled: true}, false},
		{"as long as may be", instrument.Trace{TraceID: strings.Repeat("é", 100), SpanID: strings.Repeat("é", 13), Sampled: true}, true},
		{"no text", instrument.Trace{TraceID: "\xff", Sampled: true}, false},
		{"no text in the span", instrument.Trace{TraceID: "x", SpanID: "\xff", Sampled: true}, false},
		{"no span", instrument.Trace{TraceID: "1-5759e988-bd862e3fe1be46a994272793", Sampled: true}, true},
		{"quotation marks and line feeds", instrument.Trace{TraceID: "\"}\n\\", SpanID: "#", Sampled: true}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, reg := newMetrics(t, func(o *instrument.Options) {
				o.Trace = func(*http.Request) (instrument.Trace, bool) { return tt.trace, true }
			})
			serve(m.Middleware(http.HandlerFunc(page)), "GET", "/")
			if got := exemplars(t, m); (len(got) == 2) != tt.kept || !tt.kept && got != nil {
				t.Errorf("exemplars: %q", got)
			}
			expectRequests(t, reg, `{method="GET",route="unmatched",status="200"} 1`)
		})
	}
}

func TestASeriesKeepsItsExemplarForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		m, _ := newMetrics(t, func(o *instrument.Options) {
			o.Trace = func(*http.Request) (instrument.Trace, bool) {
				n++
				return instrument.Trace{TraceID: strings.Repeat("a", n), Sampled: true}, true
			}
		})
		h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				time.Sleep(200 * time.Millisecond)
			}
		}))
		expect := func(fast, slow int) {
			t.Helper()
			got := strings.Join(exemplars(t, m), "\n")
			for bucket, length := range map[string]int{"0.01": fast, "0.25": slow} {
				want := `le="` + bucket + `"} trace_id="` + strings.Repeat("a", length) + `"`
				if length > 0 && !strings.Contains(got, want) {
					t.Errorf("no %s in:\n%s", want, got)
				}
			}
		}
		serve(h, "GET", "/") // the first request has one
		expect(1, 0)
		for range 5 {
			serve(h, "GET", "/")
		}
		time.Sleep(time.Second - time.Nanosecond)
		serve(h, "GET", "/")
		if expect(1, 0); n != 1 {
			t.Errorf("the trace was asked for %d times within a second", n)
		}
		time.Sleep(time.Nanosecond)
		serve(h, "GET", "/")
		expect(2, 0)
		serve(h, "GET", "/slow") // another bucket: the slow ones are those to look at
		expect(2, 3)
		serve(h, "GET", "/slow")
		expect(2, 3)
	})
}
