package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/endpoint"
)

func TestMetricsAndNothingElseAreServed(t *testing.T) {
	addr := run(t, endpoint.Options{Handler: newMetrics(t).Handler()})
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/metrics", 200, "\nclicks_total 0\n"},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/", 200, `<a href="/metrics">metrics</a>`},
		{"HEAD", "/", 200, ""},
		{"GET", "/metrics/", 404, ""},
		{"GET", "/other", 404, ""},
		{"POST", "/metrics", 405, "metrics are read by GET"},
		{"OPTIONS", "/", 405, ""},
		{"BREW", "/metrics", 405, ""},
	} {
		response, body := ask(t, tt.method, "http://"+addr+tt.path)
		if response.StatusCode != tt.status || !strings.Contains(body, tt.body) || tt.method == "HEAD" && body != "" {
			t.Errorf("%s %s: %d %q, want %d %q", tt.method, tt.path, response.StatusCode, body, tt.status, tt.body)
		}
		if tt.status == 405 && response.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s %s: Allow is %q", tt.method, tt.path, response.Header.Get("Allow"))
		}
		if response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s may be taken for something else", tt.method, tt.path)
		}
	}
}

func TestTheEndpointCountsWhatItsLimitsRefuse(t *testing.T) {
	m := newMetrics(t)
	for range 2 { // one after the other
		began, end := make(chan struct{}), make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		ready, ended := make(chan net.Addr), make(chan error)
		go func() {
			ended <- endpoint.Run(ctx, endpoint.Options{Addr: "127.0.0.1:0", Metrics: m, MaxRequests: 1, MaxConnections: 1,
				OnReady: func(addr net.Addr) { ready <- addr }, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RawQuery == "" {
						m.Handler().ServeHTTP(w, r)
						return
					}
					began <- struct{}{}
					<-end
				})})
		}()
		url := "http://" + (<-ready).String() + "/metrics"
		ask(t, "POST", url)
		ask(t, "DELETE", url)
		r, err := http.NewRequest("GET", url, strings.NewReader("a body"))
		if err != nil {
			t.Fatal(err)
		}
		if response, err := client.Do(r); err != nil || response.StatusCode != 413 {
			t.Errorf("a body: %v %v", response, err)
		} else {
			response.Body.Close()
		}
		waits := make(chan struct{})
		go func() {
			defer close(waits)
			ask(t, "GET", url+"?wait")
		}()
		<-began
		if response, err := client.Get(url); err == nil { // the only place is taken by a request
			response.Body.Close()
			t.Errorf("a connection beyond the bound is answered %s", response.Status)
		}
		close(end)
		<-waits
		_, text := ask(t, "GET", url)
		for _, sample := range []string{
			`instrument_endpoint_connections 1`, `instrument_endpoint_connections_closed_total{reason="busy"} 1`,
			`instrument_endpoint_requests_refused_total{reason="method"} 2`, `instrument_endpoint_requests_refused_total{reason="body"} 1`,
			`instrument_endpoint_requests_refused_total{reason="busy"} 0`,
		} {
			if !strings.Contains(text, "\n"+sample+"\n") {
				t.Errorf("no %s in\n%s", sample, text)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestAnotherPathIsLedTo(t *testing.T) {
	addr := run(t, endpoint.Options{Handler: newMetrics(t).Handler(), Path: `/a"b`})
	if _, body := ask(t, "GET", "http://"+addr+"/"); !strings.Contains(body, `href="/a&#34;b"`) {
		t.Error(body)
	}
	if response, _ := ask(t, "GET", "http://"+addr+"/a%22b"); response.StatusCode != 200 {
		t.Error(response.Status)
	}
}

func TestWrongOptionsAreErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h := newMetrics(t).Handler()
	for want, opts := range map[string]endpoint.Options{
		"endpoint.Options has neither Metrics nor Handler": {},
		"must not be negative":                             {Handler: h, MaxRequests: -1},
		"must begin with a slash":                          {Handler: h, Path: "metrics"},
		"it is in use by another program":                  {Handler: h, Addr: taken.Addr().String()},
		"can't serve metrics on nowhere:0:":                {Handler: h, Addr: "nowhere:0:"},
		"serving metrics on 127.0.0.1":                     {Handler: h, Addr: "127.0.0.1:0", Serve: func(*http.Server, net.Listener) error { return errors.New("no") }},
	} {
		if err := endpoint.Run(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRunEndsWithItsContextAfterTheAnswersUnderWay(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- endpoint.Run(ctx, endpoint.Options{Listener: l, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(asked)
			<-answer
			_, _ = io.WriteString(w, "last totals")
		})})
	}()
	got := make(chan string)
	go func() {
		_, body := ask(t, "GET", "http://"+l.Addr().String()+"/metrics")
		got <- body
	}()
	<-asked
	stop()
	close(answer)
	if body := <-got; body != "last totals" {
		t.Errorf("the answer under way was %q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
}

func TestAContextThatIsDoneAtOnceEndsRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range 50 {
		if err := endpoint.Run(ctx, endpoint.Options{Addr: "127.0.0.1:0", Handler: http.NotFoundHandler()}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRequestsBeyondTheBoundAreAnswered503(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	addr := run(t, endpoint.Options{MaxRequests: 2, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		began <- struct{}{}
		<-end
	})})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { ask(t, "GET", "http://"+addr+"/metrics") })
		<-began
	}
	response, _ := ask(t, "GET", "http://"+addr+"/metrics")
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, %v", response.Status, response.Header)
	}
	if response, _ := ask(t, "GET", "http://"+addr+"/"); response.StatusCode != 200 {
		t.Errorf("the page is answered by %s", response.Status)
	}
	close(end)
	wg.Wait()
}

func TestAPanicOfTheHandlerIsLoggedWithoutAStackAndEndsTheAnswer(t *testing.T) {
	var mu sync.Mutex
	var logged bytes.Buffer
	addr := run(t, endpoint.Options{
		Logger: slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return logged.Write(b)
		}), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic("oops")
		}),
	})
	response, err := client.Get("http://" + addr + "/metrics")
	if err == nil {
		response.Body.Close()
		t.Errorf("half an answer looks whole: %s", response.Status)
	}
	if response, _ := ask(t, "GET", "http://"+addr+"/"); response.StatusCode != 200 {
		t.Error("the endpoint does not go on")
	}
	mu.Lock()
	defer mu.Unlock()
	if text := logged.String(); strings.Count(text, "panic=oops") != 1 || strings.Contains(text, "goroutine") {
		t.Errorf("logged: %s", text)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestWithoutALoggerOfItsOwnTheEndpointLogsWhereItsMetricsDo(t *testing.T) {
	var logged bytes.Buffer
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := endpoint.Run(ctx, endpoint.Options{Addr: "127.0.0.1:0", Metrics: m, OnReady: func(net.Addr) { stop() }}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), "serving metrics") {
		t.Errorf("logged %q", logged.String())
	}
}

func TestAnAddressThatOthersReachWithoutAPasswordIsWarnedOf(t *testing.T) {
	for addr, warned := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		var logged bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		err := endpoint.Run(ctx, endpoint.Options{Addr: addr, Handler: http.NotFoundHandler(), Logger: slog.New(slog.NewTextHandler(&logged, nil)),
			OnReady: func(net.Addr) { stop() }})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(logged.String(), "level=WARN") != warned {
			t.Errorf("%s: %s", addr, logged.String())
		}
	}
}
