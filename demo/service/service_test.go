package service_test

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		getenv func(string) string
		want   service.Environment
		err    string
	}{
		"nothing set":               {env(), service.Environment{Addr: "127.0.0.1:8000", Workers: 1}, ""},
		"a container":               {env("LISTEN_ADDRESS", "0.0.0.0", "WEB_CONCURRENCY", "5", "METRICS_START_PORT", "5001"), service.Environment{Addr: "0.0.0.0:8000", Workers: 5, MetricsApart: true}, ""},
		"IPv6":                      {env("LISTEN_ADDRESS", "::1", "PORT", "0"), service.Environment{Addr: "[::1]:0", Workers: 1}, ""},
		"under a supervisor":        {env("TRUECOUNT_METRICS_DIR", "/run/m", "TRUECOUNT_REPLICA", "clicks-0"), service.Environment{Addr: "127.0.0.1:8000", Workers: 1, MetricsApart: true, Replica: "clicks-0"}, ""},
		"every level":               {env("LOG_LEVEL", "debug"), service.Environment{Addr: "127.0.0.1:8000", Workers: 1, LogLevel: slog.LevelDebug}, ""},
		"the usual level":           {env("LOG_LEVEL", "INFO"), service.Environment{Addr: "127.0.0.1:8000", Workers: 1}, ""},
		"warnings and errors":       {env("LOG_LEVEL", "warn"), service.Environment{Addr: "127.0.0.1:8000", Workers: 1, LogLevel: slog.LevelWarn}, ""},
		"errors only":               {env("LOG_LEVEL", "error"), service.Environment{Addr: "127.0.0.1:8000", Workers: 1, LogLevel: slog.LevelError}, ""},
		"a level that is none":      {env("LOG_LEVEL", "quiet"), service.Environment{}, `LOG_LEVEL: "quiet" is not a level: want debug, info, warn or error`},
		"a level between levels":    {env("LOG_LEVEL", "info+2"), service.Environment{}, `LOG_LEVEL: "info+2"`},
		"a host name":               {env("LISTEN_ADDRESS", "localhost"), service.Environment{}, `LISTEN_ADDRESS: "localhost" is not an IP address`},
		"a port that is too large":  {env("PORT", "65536"), service.Environment{}, `PORT: "65536" is not a port`},
		"a port that is a word":     {env("PORT", "http"), service.Environment{}, `PORT: "http" is not a port`},
		"no workers":                {env("WEB_CONCURRENCY", "0"), service.Environment{}, `WEB_CONCURRENCY: "0" is not a number of workers`},
		"too many workers":          {env("WEB_CONCURRENCY", "5001"), service.Environment{}, `WEB_CONCURRENCY: "5001"`},
		"workers that are a phrase": {env("WEB_CONCURRENCY", "four"), service.Environment{}, `WEB_CONCURRENCY: "four"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := service.Read(c.getenv, "8000")
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("err = %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestWholeNumbersAndSpansAreBounded(t *testing.T) {
	if n, err := service.Whole(env("N", "7"), "N", 1, 0, 10); n != 7 || err != nil {
		t.Errorf("7: %d, %v", n, err)
	}
	if n, err := service.Whole(env(), "N", 3, 0, 10); n != 3 || err != nil {
		t.Errorf("unset: %d, %v", n, err)
	}
	for _, bad := range []string{"11", "-1", "2.5", "x"} {
		if _, err := service.Whole(env("N", bad), "N", 1, 0, 10); err == nil || !strings.HasPrefix(err.Error(), "N: ") {
			t.Errorf("%s: err = %v, want it to name N", bad, err)
		}
	}
	if d, err := service.Span(env("D", "90s"), "D", 0); d != 90*time.Second || err != nil {
		t.Errorf("90s: %v, %v", d, err)
	}
	for _, bad := range []string{"90", "-1s", "0s", "soon"} {
		if _, err := service.Span(env("D", bad), "D", 0); err == nil || !strings.HasPrefix(err.Error(), "D: ") {
			t.Errorf("%s: err = %v, want it to name D", bad, err)
		}
	}
}

func TestACommandRunsOneProcessUnderASupervisorWhateverTheWorkerCount(t *testing.T) {
	for name, getenv := range map[string]func(string) string{
		"one worker":                  env("WEB_CONCURRENCY", "1"),
		"a socket was handed over":    env("WEB_CONCURRENCY", "4", "LISTEN_FDS", "1"),
		"a supervisor named a worker": env("WEB_CONCURRENCY", "4", "TRUECOUNT_WORKER", "2"),
	} {
		t.Run(name, func(t *testing.T) {
			ran := errors.New("ran")
			command := service.Command{Name: "demo", Port: "0", Run: func(context.Context, *slog.Logger) error { return ran }}
			if err := command.Execute(t.Context(), nil, getenv, new(bytes.Buffer)); !errors.Is(err, ran) {
				t.Errorf("err = %v, want the one of the worker itself", err)
			}
		})
	}
}

func TestACommandLogsFromItsLevelUpwards(t *testing.T) {
	for level, want := range map[string]string{"": "info warn error", "debug": "debug info warn error", "warn": "warn error", "error": "error"} {
		t.Run("level "+level, func(t *testing.T) {
			command := service.Command{Name: "demo", Port: "0", Run: func(_ context.Context, logger *slog.Logger) error {
				logger.Debug("debug")
				logger.Info("info")
				logger.Warn("warn")
				logger.Error("error")
				return nil
			}}
			var out bytes.Buffer
			if err := command.Execute(t.Context(), nil, env("LOG_LEVEL", level), &out); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range regexp.MustCompile(`msg=(\w+)`).FindAllStringSubmatch(out.String(), -1) {
				got = append(got, line[1])
			}
			if strings.Join(got, " ") != want {
				t.Errorf("logged %q, want %q", got, want)
			}
		})
	}
}

func TestACommandHasNoArguments(t *testing.T) {
	command := service.Command{Name: "demo", About: "what it reads\n", Port: "0", Run: func(context.Context, *slog.Logger) error {
		t.Error("it ran")
		return nil
	}}
	err := command.Execute(t.Context(), []string{"-w", "4"}, env(), new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), `"-w"`) {
		t.Errorf("err = %v, want it to name -w", err)
	}
	var out bytes.Buffer
	if err := command.Execute(t.Context(), []string{"-h"}, env(), &out); err != nil || out.String() != "what it reads\n" {
		t.Errorf("-h: %q, %v", out.String(), err)
	}
}

func TestPagesMayUseNothingFromElsewhere(t *testing.T) {
	answer := httptest.NewRecorder()
	service.Secure(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	policy := answer.Header().Get("Content-Security-Policy")
	for _, part := range strings.Split(policy, ";") {
		words := strings.Fields(part)
		for _, source := range words[1:] {
			if source != "'self'" && source != "'none'" {
				t.Errorf("the policy allows %s", part)
			}
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || answer.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", answer.Header())
	}
}

func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		want          int
	}{
		"the page itself":           {"Sec-Fetch-Site", "same-origin", 200},
		"another site":              {"Sec-Fetch-Site", "cross-site", 403},
		"another port of this host": {"Sec-Fetch-Site", "same-site", 403},
		"an old browser elsewhere":  {"Origin", "https://elsewhere.example", 403},
		"a program":                 {"User-Agent", "curl/8", 200},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest("POST", "/", nil)
			request.Header.Set(c.header, c.value)
			answer := httptest.NewRecorder()
			service.Secure(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(answer, request)
			if answer.Code != c.want {
				t.Errorf("status %d, want %d", answer.Code, c.want)
			}
		})
	}
}

func TestStaticServesSharedAndOwnFilesAndNoListing(t *testing.T) {
	static := service.Static(fstest.MapFS{"own.css": {Data: []byte("own")}, "folder/x.css": {Data: []byte("x")}})
	for path, want := range map[string]int{
		"/static/base.css": 200, "/static/own.css": 200, "/static/folder/x.css": 200,
		"/static/": 404, "/static/folder/": 404, "/static/none.css": 404, "/static/..%2fpage.go": 404,
	} {
		answer := httptest.NewRecorder()
		static.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		if answer.Code != want {
			t.Errorf("%s: status %d, want %d", path, answer.Code, want)
		}
	}
}

func TestAPageThatCannotBeMadeIsOne500AndNotHalfAPage(t *testing.T) {
	page := template.Must(template.New("p").Parse(`<h1>begin</h1>{{.Missing.Field}}`))
	answer := httptest.NewRecorder()
	if err := service.Render(answer, 200, page, "p", struct{}{}); err == nil {
		t.Error("no error")
	}
	if answer.Code != 500 || strings.Contains(answer.Body.String(), "begin") {
		t.Errorf("status %d: %s", answer.Code, answer.Body)
	}
}
