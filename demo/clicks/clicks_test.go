package clicks_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/clicks"
	"github.com/truecount/truecount/demo/service"
)

// asProgram makes the test program the clicks program, for tests with real processes.
const asProgram = "CLICKS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := runProgram(); err != nil {
			io.WriteString(os.Stderr, "clicks: "+err.Error()+"\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func newApp(t *testing.T, env service.Environment) *clicks.App {
	t.Helper()
	app, err := clicks.New(clicks.Options{Environment: env})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func do(app *clicks.App, method, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	app.Handler().ServeHTTP(answer, httptest.NewRequest(method, path, nil))
	return answer
}

// counted reads the counter as a scrape would; -1 if it is not exposed.
func counted(t *testing.T, metrics io.Reader) float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(metrics)
	if err != nil {
		t.Fatal(err)
	}
	family := families["demo_app_button_clicks_total"]
	if family == nil {
		return -1
	}
	return family.Metric[0].GetCounter().GetValue()
}

func scrape(app *clicks.App) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	app.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer
}

func TestRoutes(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		contentType  string
		body         string // a part of it
		allow        string
		counts       float64
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "Hit me!", "", 0},
		{"POST", "/click-button", 200, "application/json", "{}", "", 1},
		{"GET", "/click-button", 405, "", "", "POST", 0},
		{"HEAD", "/click-button", 405, "", "", "POST", 0},
		{"PUT", "/click-button", 405, "", "", "POST", 0},
		{"DELETE", "/click-button", 405, "", "", "POST", 0},
		{"OPTIONS", "/click-button", 405, "", "", "POST", 0},
		{"POST", "/", 405, "", "", "GET, HEAD", 0},
		{"POST", "/click-button/", 404, "", "", "", 0},
		{"GET", "/health/", 200, "text/plain; charset=utf-8", "ok", "", 0},
		{"GET", "/static/base.css", 200, "text/css; charset=utf-8", "--ground", "", 0},
		{"GET", "/static/clicks.css", 200, "text/css; charset=utf-8", ".hit", "", 0},
		{"GET", "/static/clicks.js", 200, "text/javascript; charset=utf-8", "/click-button", "", 0},
		{"GET", "/static/icon.svg", 200, "image/svg+xml", "<svg", "", 0},
		{"GET", "/metrics", 200, "", "demo_app_button_clicks_total 0", "", 0},
		{"GET", "/nothing", 404, "", "", "", 0},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			app := newApp(t, service.Environment{})
			answer := do(app, c.method, c.path)
			if answer.Code != c.status {
				t.Fatalf("status %d, want %d", answer.Code, c.status)
			}
			if got := answer.Header().Get("Content-Type"); c.contentType != "" && got != c.contentType {
				t.Errorf("content type %q, want %q", got, c.contentType)
			}
			if got := answer.Header().Get("Allow"); got != c.allow {
				t.Errorf("allow %q, want %q", got, c.allow)
			}
			if !strings.Contains(answer.Body.String(), c.body) {
				t.Errorf("body %q, want %q in it", answer.Body, c.body)
			}
			if got := counted(t, scrape(app).Body); got != c.counts {
				t.Errorf("counted %v, want %v", got, c.counts)
			}
		})
	}
}

func TestTheCounterIsExposedAsZeroBeforeTheFirstClick(t *testing.T) {
	if got := counted(t, scrape(newApp(t, service.Environment{})).Body); got != 0 {
		t.Errorf("counted %v, want 0", got)
	}
}

func TestAClickSaysWhichWorkerAnsweredAndClosesTheConnection(t *testing.T) {
	answer := do(newApp(t, service.Environment{Replica: "clicks-0"}), "POST", "/click-button")
	if answer.Body.String() != "{}" {
		t.Errorf("body %q, want {}", answer.Body)
	}
	for name, want := range map[string]string{
		"Worker-Pid": strconv.Itoa(os.Getpid()), "Replica": "clicks-0", "Connection": "close", "Cache-Control": "no-store",
	} {
		if got := answer.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := do(newApp(t, service.Environment{}), "POST", "/click-button").Header()["Replica"]; got != nil {
		t.Errorf("without a replica's name: %q", got)
	}
}

func TestMetricsWithAnEndpointOfTheirOwnAreNotOnTheApplicationsPort(t *testing.T) {
	if answer := do(newApp(t, service.Environment{MetricsApart: true}), "GET", "/metrics"); answer.Code != 404 {
		t.Errorf("status %d, want 404", answer.Code)
	}
}

func TestClicksAtOnceAreAllCounted(t *testing.T) {
	app := newApp(t, service.Environment{})
	handler := app.Handler()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/click-button", nil))
			}
		})
	}
	wg.Wait()
	if got := counted(t, scrape(app).Body); got != 1000 {
		t.Errorf("counted %v, want 1000", got)
	}
}

func TestMetricsAreLintClean(t *testing.T) {
	app := newApp(t, service.Environment{})
	do(app, "POST", "/click-button")
	problems, err := promlint.New(scrape(app).Body).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, %v", problems, err)
	}
}

func TestClicksFromOtherSitesAreNotCounted(t *testing.T) {
	app := newApp(t, service.Environment{})
	request := httptest.NewRequest("POST", "/click-button", nil)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	answer := httptest.NewRecorder()
	app.Handler().ServeHTTP(answer, request)
	if got := counted(t, scrape(app).Body); answer.Code != http.StatusForbidden || got != 0 {
		t.Errorf("status %d, counted %v; want 403 and 0", answer.Code, got)
	}
}

func TestOptionsComeFromTheEnvironment(t *testing.T) {
	opts, err := clicks.OptionsFromEnv(func(name string) string { return map[string]string{"PORT": "0"}[name] })
	if err != nil || opts.Addr != "127.0.0.1:0" {
		t.Errorf("opts %+v, %v", opts, err)
	}
	if _, err := clicks.OptionsFromEnv(func(string) string { return "x" }); err == nil {
		t.Error("nonsense was accepted")
	}
}

func TestTheHelpListsEveryVariableThatIsRead(t *testing.T) {
	var help bytes.Buffer
	if err := clicks.Command(t.Context(), []string{"-h"}, func(string) string { return "" }, &help); err != nil {
		t.Fatal(err)
	}
	var read []string
	if _, err := clicks.OptionsFromEnv(func(name string) string { read = append(read, name); return "" }); err != nil {
		t.Fatal(err)
	}
	for _, name := range read {
		if !strings.HasPrefix(name, "TRUECOUNT_") && !strings.Contains(help.String(), name) { // those are the supervisor's
			t.Errorf("the help says nothing of %s", name)
		}
	}
}
