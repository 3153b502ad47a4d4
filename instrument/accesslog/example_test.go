package accesslog_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
	"github.com/truecount/truecount/instrument/jsonlog"
)

// still is a clock that stands still, and without the duration of the requests, which is never the same.
func still() time.Time { return time.Date(2026, 11, 20, 9, 7, 15, 0, time.UTC) }

func Example() {
	logger := slog.New(jsonlog.New(os.Stdout, jsonlog.Options{Logger: "dogwalk.access"}))
	m, err := instrument.New(instrument.Options{
		Registry: prometheus.NewRegistry(),
		Served: untimed(accesslog.New(accesslog.Options{ // an ordinary program has no untimed and no Now
			Logger:  logger,
			Fields:  accesslog.Request | accesslog.Agent,
			Query:   []string{"page"},
			Headers: []string{"X-Request-Id"},
			Skip:    accesslog.Healthy("/metrics", "/health/"),
			Now:     still,
		})),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /walks/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "a walk") })
	service := m.Middleware(mux)

	r := httptest.NewRequest("GET", "/walks/7?page=2&token=s3cret", nil)
	r.Header.Set("X-Request-Id", "17")
	r.Header.Set("Authorization", "Bearer s3cret")
	service.ServeHTTP(httptest.NewRecorder(), r)
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/nowhere", nil))
	// Output:
	// {"event":"request","level":"info","logger":"dogwalk.access","timestamp":"2026-11-20T09:07:15.000000Z","request":"GET /walks/7?page=2 HTTP/1.1","method":"GET","route":"/walks/{id}","status":200,"size":6,"duration":0,"agent":null,"query":{"page":"2"},"headers":{"X-Request-Id":"17"}}
	// {"event":"request","level":"warning","logger":"dogwalk.access","timestamp":"2026-11-20T09:07:15.000000Z","request":"GET /nowhere HTTP/1.1","method":"GET","route":"unmatched","status":404,"size":19,"duration":0,"agent":null}
}

func untimed(log func(*http.Request, instrument.Served)) func(*http.Request, instrument.Served) {
	return func(r *http.Request, s instrument.Served) {
		s.Duration = 0
		log(r, s)
	}
}

// The combined log format, for programs that read what Apache and nginx write.
func ExampleNewCombined() {
	log := accesslog.NewCombined(os.Stdout, accesslog.Options{Fields: accesslog.Combined, Query: []string{"page"}, Now: still})

	r := httptest.NewRequest("GET", "/walks/7?page=2&token=s3cret", nil)
	r.RemoteAddr = "192.0.2.7:51111"
	r.SetBasicAuth("rex", "s3cret")
	r.Header.Set("User-Agent", `curl/8.5 "\`)
	log(r, instrument.Served{Route: "/walks/{id}", Method: "GET", Status: 200, Size: 512})
	// Output:
	// 192.0.2.7 - rex [20/Nov/2026:09:07:15 +0000] "GET /walks/7?page=2 HTTP/1.1" 200 512 "-" "curl/8.5 \x22\x5c"
}

func ExampleSecret() {
	for _, name := range []string{"page", "access_token", "X-Api-Key", "code", "postcode", "author"} {
		fmt.Println(name, accesslog.Secret(name))
	}
	// Output:
	// page false
	// access_token true
	// X-Api-Key true
	// code true
	// postcode false
	// author false
}
