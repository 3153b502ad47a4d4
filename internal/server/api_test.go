package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

func TestTheAPIAnswersWhatGrafanaAndPromtoolAsk(t *testing.T) {
	tg := newTarget(t, "# HELP clicks_total Clicks.\n# TYPE clicks_total counter\nclicks_total{worker=\"1\"} 7\n")
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", tg.addr()), func(o *Options) { o.MaxExemplars = 100 })
	in.eventuallyValue(t, "clicks_total", "7")
	now := strconv.FormatFloat(float64(time.Now().UnixMilli())/1000, 'f', 3, 64)
	for _, call := range []struct {
		path  string
		query []string
		want  string // a regular expression
	}{
		{"query", []string{"query", "clicks_total"}, `"value":\[[0-9.]+,"7"\]`},
		{"query", []string{"query", "clicks_total[1m]"}, `"resultType":"matrix"`},
		{"query_range", []string{"query", "last_over_time(clicks_total[1m])", "start", now, "end", now, "step", "1"}, `"values":\[\[[0-9.]+,"7"\]`},
		{"series", []string{"match[]", "clicks_total"}, `"worker":"1"`},
		{"labels", nil, `"worker"`},
		{"label/worker/values", nil, `\["1"\]`},
		{"label/__name__/values", []string{"match[]", `{job="clicks"}`}, `"clicks_total"`},
		{"metadata", []string{"metric", "clicks_total"}, `"type":"counter","unit":"","help":"Clicks."`},
		{"targets", nil, `"health":"up"`},
		{"targets/metadata", nil, `"metric":"clicks_total"`},
		{"scrape_pools", nil, `"clicks"`},
		{"rules", nil, `"groups":\[\]`},
		{"alerts", nil, `"alerts":\[\]`},
		{"alertmanagers", nil, `"activeAlertmanagers":\[\]`},
		{"format_query", []string{"query", "sum(clicks_total)by(worker)"}, `sum by \(worker\) \(clicks_total\)`},
		{"parse_query", []string{"query", "clicks_total"}, `"type":"vectorSelector"`},
		{"query_exemplars", []string{"query", "clicks_total", "start", now, "end", now}, `"data":\[\]`},
		{"status/config", nil, `sample_limit: 100000`},
		{"status/flags", nil, `"query.max-samples":"50000000"`},
		{"status/runtimeinfo", nil, `"reloadConfigSuccess":true,"lastConfigTime":"20.*"storageRetention":"15d"`},
		{"status/buildinfo", nil, `"version":"` + regexp.QuoteMeta(prometheusVersion) + `"`},
		{"status/tsdb", nil, `"numSeries":[1-9]`},
		{"status/walreplay", nil, `"status":"success"`},
		{"features", nil, `"scrape"`},
		{"notifications", nil, `"data":\[\]`},
	} {
		in.eventually(t, regexp.MustCompile(call.want).MatchString, "/api/v1/"+call.path, call.query...)
	}
	if code, body := in.get(t, "/metrics"); code != http.StatusOK || !strings.Contains(body, "prometheus_tsdb_head_samples_appended_total") || !strings.Contains(body, "prometheus_ready 1") {
		t.Errorf("/metrics: %d", code)
	}
}

func TestTheAPIRefusesWhatIsOff(t *testing.T) {
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"))
	for path, want := range map[string]int{
		"/api/v1/admin/tsdb/delete_series?match[]=up": http.StatusInternalServerError, // "admin APIs disabled", as upstream
		"/api/v1/admin/tsdb/snapshot":                 http.StatusInternalServerError,
		"/api/v1/write":                               http.StatusNotFound,
		"/api/v1/otlp/v1/metrics":                     http.StatusNotFound,
		"/-/quit":                                     http.StatusNotFound,
		"/debug/pprof/":                               http.StatusNotFound,
		"/metrics":                                    http.StatusMethodNotAllowed,
	} {
		if code, body := post(t, in, path); code != want && !strings.Contains(body, "admin APIs disabled") {
			t.Errorf("POST %s: %d %s", path, code, body)
		}
	}
	if code, body := in.get(t, "/"); code != http.StatusNotFound {
		t.Errorf("GET /: %d %s", code, body)
	}
}

// Browsers send Origin with every POST; a nil expression in the library panics on it, and curl never shows that.
func TestABrowsersRequestWithAnOriginIsAnswered(t *testing.T) {
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"))
	for _, method := range []string{http.MethodPost, http.MethodOptions} {
		r, _ := http.NewRequest(method, in.url+"/api/v1/query", strings.NewReader("query=up"))
		r.Header.Set("Origin", "http://evil.example")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode/100 != 2 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, allowed origin %q", method, resp.StatusCode, resp.Header.Get("Access-Control-Allow-Origin"))
		}
	}
}

func TestReadyTellsStartingRunningAndStopping(t *testing.T) {
	s, err := New(Options{ConfigFile: configuration(t, "scrape.yml"), DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string) *http.Response {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Result()
	}
	expect := func(when, path string, code int, stopping string) {
		t.Helper()
		if r := ask(path); r.StatusCode != code || r.Header.Get("X-Prometheus-Stopping") != stopping {
			t.Errorf("%s, %s: %d, stopping %q", when, path, r.StatusCode, r.Header.Get("X-Prometheus-Stopping"))
		}
	}
	expect("before", "/-/ready", http.StatusServiceUnavailable, "false")
	expect("before", "/api/v1/query?query=1", http.StatusServiceUnavailable, "false")
	expect("before", "/-/healthy", http.StatusOK, "")
	if err := s.Reload(); err == nil {
		t.Error("a server that does not run reloads")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	expect("running", "/-/ready", http.StatusOK, "")
	expect("running", "/api/v1/query?query=1", http.StatusOK, "")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	expect("after", "/-/ready", http.StatusServiceUnavailable, "true")
	expect("after", "/api/v1/query?query=1", http.StatusServiceUnavailable, "true")
	expect("after", "/federate?match[]=up", http.StatusServiceUnavailable, "true")
	expect("after", "/-/healthy", http.StatusOK, "")
	if err := s.Run(t.Context()); err == nil {
		t.Error("runs twice")
	}
}

// A subscriber of live notifications would hold the HTTP server for ever.
func TestStoppingEndsRequestsThatWait(t *testing.T) {
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"))
	resp, err := http.Get(in.url + "/api/v1/notifications/live")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	ended := make(chan struct{})
	go func() { defer close(ended); io.Copy(io.Discard, resp.Body) }()
	in.stop()
	<-ended
}

func TestP8SecretsAreShownNowhere(t *testing.T) {
	in := run(t, configuration(t, "secrets.yml", "target.invalid:1", "127.0.0.1:1"), func(o *Options) {
		o.EnableLifecycle, o.RemoteFlushDeadline = true, 100*time.Millisecond
	})
	await.True(t, "scrapes fail", func() bool { return in.value(t, `count(up == 0)`) == "4" })
	if code, body := post(t, in, "/-/reload"); code != http.StatusOK {
		t.Fatal(code, body)
	}
	_, shown := in.get(t, "/api/v1/status/config")
	if n := strings.Count(shown, `\u003csecret\u003e`) + strings.Count(shown, "<secret>"); n < 8 {
		t.Errorf("%d secrets are hidden in %s", n, shown)
	}
	for _, path := range []string{"status/config", "status/flags", "status/runtimeinfo", "targets", "scrape_pools", "alertmanagers", "notifications"} {
		if _, body := in.get(t, "/api/v1/"+path); strings.Contains(body, "canary") {
			t.Errorf("%s shows a secret: %s", path, body)
		}
	}
	if _, body := in.get(t, "/metrics"); strings.Contains(body, "canary") {
		t.Error("/metrics shows a secret")
	}
	in.stop()
	if log := in.log.String(); strings.Contains(log, "canary") {
		at := strings.Index(log, "canary")
		t.Errorf("the log shows a secret: …%s…", log[max(0, at-300):at+20])
	}
}

func TestTheVersionShownIsTheOneEmbedded(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github.com/prometheus/prometheus v0\.(\d)(\d\d)\.(\d+)`).FindStringSubmatch(string(mod))
	if m == nil {
		t.Fatal("Prometheus is not required by go.mod")
	}
	// Prometheus v3.y.z is the module v0.3yy.z.
	want := m[1] + "." + strings.TrimPrefix(m[2], "0") + "." + m[3]
	if prometheusVersion != want {
		t.Errorf("prometheusVersion = %s, go.mod says %s", prometheusVersion, want)
	}
}
