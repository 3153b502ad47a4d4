package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

func TestAScrapedCounterIsAnsweredByQueries(t *testing.T) {
	tg := newTarget(t, "# TYPE clicks_total counter\nclicks_total{worker=\"1\"} 41\n")
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", tg.addr()))
	in.eventuallyValue(t, "clicks_total", "41")
	tg.set("# TYPE clicks_total counter\nclicks_total{worker=\"1\"} 42\n")
	in.eventuallyValue(t, "clicks_total", "42")

	// The sample that was seen stays, should the next scrape be lost.
	vector, err := in.Query(t.Context(), `sum by (team, job) (last_over_time(clicks_total[5m]))`, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(vector) != 1 || vector[0].F != 42 || vector[0].Metric.String() != `{job="clicks", team="web"}` {
		t.Errorf("Query = %v", vector)
	}
	if scalar, err := in.Query(t.Context(), `scalar(last_over_time(clicks_total[5m]))+1`, time.Now()); err != nil || len(scalar) != 1 || scalar[0].F != 43 {
		t.Errorf("a scalar = %v, %v", scalar, err)
	}
	for query, want := range map[string]string{`sum(`: "parse error", `clicks_total[1m]`: "not an instant vector"} {
		if _, err := in.Query(t.Context(), query, time.Now()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Query(%q) = %v, want %q", query, err, want)
		}
	}
}

func TestATargetWrittenToAFileAppearsAndLeaves(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\n")
	config := configuration(t, "file_sd.yml")
	file := write(t, filepath.Join(filepath.Dir(config), "targets", "clicks.json"), `[]`)
	in := run(t, config)
	if got := in.value(t, "clicks_total"); got != "" {
		t.Fatalf("before any target: %s", got)
	}
	write(t, file, fmt.Sprintf(`[{"targets": [%q], "labels": {"pod": "clicks-0"}}]`, tg.addr()))
	in.eventuallyValue(t, `clicks_total{pod="clicks-0"}`, "7")
	write(t, file, `[]`)
	in.eventuallyValue(t, `clicks_total`, "")
}

// The throttles of discovery, 5 s each in Prometheus, would make a laptop wait: with the short one a target that is
// added to a watched folder is there within the second.
func TestAnAddedTargetAppearsWithinTheShortThrottle(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\n")
	config := configuration(t, "file_sd.yml")
	file := filepath.Join(filepath.Dir(config), "targets", "clicks.json")
	write(t, file, `[{"targets": ["127.0.0.1:1"]}]`)
	in := run(t, config)
	slow := run(t, config, func(o *Options) { o.DiscoveryInterval = time.Hour })
	in.eventuallyValue(t, `count(up)`, "1")
	slow.eventuallyValue(t, `count(up)`, "1") // the first list is taken at once
	var took []time.Duration
	for i := range 5 {
		begin := time.Now()
		write(t, file, fmt.Sprintf(`[{"targets": [%q], "labels": {"n": "%d"}}]`, tg.addr(), i))
		in.eventuallyValue(t, fmt.Sprintf(`clicks_total{n="%d"}`, i), "7")
		took = append(took, time.Since(begin))
	}
	t.Log("from written to queried:", took)
	if got := slow.value(t, "count(clicks_total)"); got != "" {
		t.Errorf("with a throttle of an hour %s targets came", got)
	}
}

func TestTargetsComeFromHTTPDiscovery(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\n")
	discovery := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `[{"targets": [%q]}]`, tg.addr())
	}))
	t.Cleanup(discovery.Close)
	in := run(t, configuration(t, "http_sd.yml", "discovery.invalid:1", hostPort(discovery.URL)))
	in.eventuallyValue(t, "clicks_total", "7")
}

// What the machine's resolver answers is not the test's to say; that it is asked is.
func TestDNSDiscoveryAsksTheResolver(t *testing.T) {
	in := run(t, configuration(t, "dns_sd.yml"))
	await.True(t, "a lookup was made", func() bool { return metric(t, in, "prometheus_sd_dns_lookups_total ") != "0" })
}

// metric returns the value on the first line of /metrics that begins with series, "" if there is none.
func metric(t *testing.T, in *instance, series string) string {
	t.Helper()
	_, body := in.get(t, "/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, series); ok {
			return strings.TrimSpace(rest[strings.LastIndexByte(rest, ' ')+1:])
		}
	}
	return ""
}

func TestKubernetesDiscoveryAsksTheAPIServer(t *testing.T) {
	asked := make(chan string, 1)
	kubernetes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default:
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}`)
	}))
	t.Cleanup(kubernetes.Close)
	in := run(t, configuration(t, "kubernetes_sd.yml", "kubernetes.invalid:1", hostPort(kubernetes.URL)))
	select {
	case path := <-asked:
		if path != "/api/v1/pods" {
			t.Errorf("asked for %s", path)
		}
	case <-time.After(patience):
		t.Fatal("the API server was never asked")
	}
	if code, body := in.get(t, "/-/ready"); code != http.StatusOK {
		t.Errorf("with discovery failing: %d %s", code, body)
	}
	in.stop()
}

func TestACounterBeginsAtZeroWhenItWasCreatedIfAskedFor(t *testing.T) {
	created := time.Now().Add(-time.Minute).Unix()
	tg := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		fmt.Fprintf(w, "# TYPE clicks counter\nclicks_total 7\nclicks_created %d\n# EOF\n", created)
	}))
	t.Cleanup(tg.Close)
	config := configuration(t, "scrape.yml", "target.invalid:1", hostPort(tg.URL))
	for on, want := range map[bool]string{false: "7", true: "0"} {
		in := run(t, config, func(o *Options) { o.StartTimestamps = on })
		in.eventuallyValue(t, "clicks_total", "7")
		if got := in.value(t, "min_over_time(clicks_total[5m])"); got != want {
			t.Errorf("StartTimestamps %t: the lowest sample is %s, want %s", on, got, want)
		}
	}
}

func TestStoppedServerHasNoScrapesUnderWay(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", hostPort(slow.URL)))
	in.eventuallyValue(t, "up", "0")
	in.stop()
	if _, err := in.Query(context.Background(), "up", time.Now()); err == nil || err.Error() != "the server is stopping" {
		t.Errorf("a query after the end: %v", err)
	}
}
