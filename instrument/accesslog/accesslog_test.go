package accesslog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
	"github.com/truecount/truecount/instrument/jsonlog"
)

const secret = "hunter2-s3cret"

// request is one that has a secret in every place that a request has.
func request(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequest("GET", "http://u:"+secret+"@shop.example/walks/7?page=2&token="+secret+"&q=a+b", nil)
	r.RemoteAddr = "192.0.2.7:51111"
	r.SetBasicAuth("rex", secret)
	r.Header.Set("Cookie", "session="+secret)
	r.Header.Set("X-Api-Key", secret)
	r.Header.Set("Referer", "https://u:"+secret+"@shop.example/start?page=1&token="+secret+"#"+secret)
	r.Header.Set("User-Agent", "curl/8.5 (+https://u:"+secret+"@x.example)")
	r.Header.Set("X-Request-Id", "17")
	return r
}

var ok = instrument.Served{Route: "/walks/{id}", Method: "GET", Status: 200, Size: 512, Duration: 1500 * time.Microsecond}

// line logs one request and returns the line's members.
func line(t *testing.T, opts accesslog.Options, r *http.Request, s instrument.Served) (map[string]any, string) {
	t.Helper()
	var out bytes.Buffer
	opts.Logger = slog.New(jsonlog.New(&out, jsonlog.Options{Level: slog.LevelDebug}))
	accesslog.New(opts)(r, s)
	var members map[string]any
	if err := json.Unmarshal(out.Bytes(), &members); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	return members, out.String()
}

func TestAbsentFieldsOfTheCombinedFormatAreNull(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "-"
	members, _ := line(t, accesslog.Options{Fields: accesslog.Combined}, r, instrument.Served{Route: "/", Method: "GET"})
	for _, name := range []string{"host", "user", "status", "referer", "agent"} {
		if value, there := members[name]; value != nil || !there {
			t.Errorf("%s is %v (there: %v), want null", name, value, there)
		}
	}
	if members["size"] != 0.0 {
		t.Errorf("size is %v", members["size"])
	}
}

func TestLevelsAreThoseOfDjangosRequestLogger(t *testing.T) {
	for _, tt := range []struct {
		served instrument.Served
		want   string
	}{
		{instrument.Served{Status: 200}, "info"}, {instrument.Served{Status: 399}, "info"}, {instrument.Served{Status: 101}, "info"}, {instrument.Served{}, "info"},
		{instrument.Served{Status: 400}, "warning"}, {instrument.Served{Status: 499}, "warning"},
		{instrument.Served{Status: 500}, "error"}, {instrument.Served{Status: 200, Panicked: true}, "error"},
	} {
		if got, _ := line(t, accesslog.Options{}, request(t), tt.served); got["level"] != tt.want {
			t.Errorf("%+v: level %v, want %s", tt.served, got["level"], tt.want)
		}
	}
	got, _ := line(t, accesslog.Options{Level: func(instrument.Served) slog.Level { return slog.LevelDebug }}, request(t), ok)
	if got["level"] != "debug" {
		t.Errorf("Options.Level is not asked: %v", got["level"])
	}
}

// count returns how many lines the requests made.
func count(opts accesslog.Options, requests ...instrument.Served) (lines int, text string) {
	var out bytes.Buffer
	opts.Logger = slog.New(slog.NewTextHandler(&out, nil))
	log := accesslog.New(opts)
	for _, s := range requests {
		log(httptest.NewRequest("GET", "/", nil), s)
	}
	return strings.Count(out.String(), "\n"), out.String()
}

func TestHealthyRoutesAreNotLoggedUntilTheyFail(t *testing.T) {
	opts := accesslog.Options{Skip: accesslog.Healthy("/metrics", "/health/")}
	n, text := count(opts,
		instrument.Served{Route: "/metrics", Status: 200}, instrument.Served{Route: "/health/", Status: 204},
		instrument.Served{Route: "/health/", Status: 503}, instrument.Served{Route: "/metrics", Status: 200, Panicked: true}, instrument.Served{Route: "/", Status: 200})
	if n != 3 || strings.Contains(text, "status=204") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

func TestOneOfSoManyGoodRequestsIsLoggedAndEachBadOne(t *testing.T) {
	var requests []instrument.Served
	for range 100 {
		requests = append(requests, instrument.Served{Status: 200}, instrument.Served{Status: 404})
	}
	n, text := count(accesslog.Options{Every: 10}, requests...)
	if n != 110 || strings.Count(text, "sampled=10") != 10 || strings.Count(text, "status=404") != 100 {
		t.Errorf("%d lines, %d sampled", n, strings.Count(text, "sampled=10"))
	}
}

// raw is a handler that writes values as they come, without any escape.
type raw struct{ out *bytes.Buffer }

func (h raw) Enabled(context.Context, slog.Level) bool { return true }
func (h raw) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h raw) WithGroup(string) slog.Handler            { return h }
func (h raw) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool { h.out.WriteString(a.Key + "=" + a.Value.String() + " "); return true })
	h.out.WriteString("\n")
	return nil
}

func TestThePanicOfALoggerNeverReachesTheRequestAndIsCounted(t *testing.T) {
	for name, opts := range map[string]accesslog.Options{
		"handler": {Logger: slog.New(panicking{})},
		"error":   {Logger: slog.New(failing{})},
		"skip":    {Skip: func(*http.Request, instrument.Served) bool { panic("oops") }},
		"level":   {Level: func(instrument.Served) slog.Level { panic("oops") }},
		"user":    {Fields: accesslog.User, User: func(*http.Request) string { panic(http.ErrAbortHandler) }, Logger: slog.New(raw{new(bytes.Buffer)})},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Failures = prometheus.NewCounter(prometheus.CounterOpts{Name: "access_log_failures_total", Help: "Lines lost."})
			m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Served: accesslog.New(opts)})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "fine") })))
			defer server.Close()
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			server.Close() // the line is written after the response
			if err != nil || string(body) != "fine" {
				t.Errorf("got %q, %v", body, err)
			}
			accesslog.New(opts)(request(t), ok) // without a middleware that has its own care
			if n := testutil.ToFloat64(opts.Failures); n != 2 {
				t.Errorf("%v failures are counted", n)
			}
		})
	}
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("oops") }

type failing struct{ panicking }

func (failing) Handle(context.Context, slog.Record) error { return errors.New("disk full") }

func TestALineHasTheTraceOfItsRequestAndABrokenOneIsLeftOut(t *testing.T) {
	for traceparent, want := range map[string][2]any{
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"},
		"00-\x1b[2J\n-00f067aa0ba902b7-01":                        {},
		"":                                                        {},
	} {
		var out bytes.Buffer
		m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Trace: instrument.Traceparent,
			Served: accesslog.New(accesslog.Options{Logger: slog.New(jsonlog.New(&out, jsonlog.Options{}))})})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Traceparent", traceparent)
		m.Middleware(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
		var got map[string]any
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got["trace_id"] != want[0] || got["span_id"] != want[1] {
			t.Errorf("%q: %s", traceparent, out.String())
		}
	}
}

func TestTheLineHasTheVeryValuesOfTheMetrics(t *testing.T) {
	var out bytes.Buffer
	reg := prometheus.NewRegistry()
	var told instrument.Served
	log := accesslog.New(accesslog.Options{Logger: slog.New(jsonlog.New(&out, jsonlog.Options{}))})
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Served: func(r *http.Request, s instrument.Served) { told = s; log(r, s) }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /walks/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "a walk")
	})
	m.Middleware(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/walks/7", nil))
	var got struct {
		Route, Method string
		Status        int
		Size          int64
		Duration      float64
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Route != "/walks/{id}" || got.Method != "POST" || got.Status != 201 || got.Size != 6 || got.Duration != told.Duration.Seconds() {
		t.Errorf("the line has %+v, the metrics %+v", got, told)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			switch f.GetName() {
			case "http_requests_total":
				labels := ""
				for _, l := range metric.GetLabel() {
					labels += l.GetName() + "=" + l.GetValue() + " "
				}
				if labels != "method=POST route=/walks/{id} status=201 " {
					t.Errorf("counted as %s", labels)
				}
			case "http_request_duration_seconds":
				if sum := metric.GetHistogram().GetSampleSum(); sum != got.Duration {
					t.Errorf("the histogram has %v s, the line %v s", sum, got.Duration)
				}
			}
		}
	}
}
