package promapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/server"
	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/tool"
	"github.com/truecount/truecount/test/victoriametrics"
)

// minutes is how long the history is that the servers have: a counter of two pods that grows by 6 and 12 a minute.
const minutes = 60

// history writes samples whose times are in units, and returns the time of the first one.
func history(unit time.Duration) (text string, start time.Time) {
	var out strings.Builder
	start = time.Now().Add(-2 * time.Hour).Truncate(time.Minute)
	for pod := range 2 {
		for i := range minutes + 1 {
			at := start.Add(time.Duration(i) * time.Minute)
			fmt.Fprintf(&out, "clicks_total{pod=\"clicks-%d\"} %d %d\n", pod, 6*(pod+1)*i, at.UnixNano()/int64(unit))
		}
	}
	return out.String(), start
}

// blocks writes the history as Prometheus keeps it.
func blocks(t *testing.T) (dir string, start time.Time) {
	t.Helper()
	promtool := tool.Need(t, "promtool")
	dir = t.TempDir()
	text, start := history(time.Second)
	file := filepath.Join(t.TempDir(), "history.txt")
	if err := os.WriteFile(file, []byte(text+"# EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "tsdb", "create-blocks-from", "openmetrics", file, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir, start
}

func configuration(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte("global: {scrape_interval: 1h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// embedded is the server of this program.
func embedded(t *testing.T) (url string, start time.Time) {
	dir, start := blocks(t)
	s, err := server.New(server.Options{ConfigFile: configuration(t), DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	front := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		front.Close()
	})
	return front.URL, start
}

// debian is Debian's Prometheus as a process.
func debian(t *testing.T) (url string, start time.Time) {
	dir, start := blocks(t)
	program := tool.Need(t, "prometheus")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	cmd := exec.Command(program, "--config.file="+configuration(t), "--storage.tsdb.path="+dir, "--web.listen-address="+address)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &log)
		}
	})
	return "http://" + address, start
}

func victoria(t *testing.T) (url string, start time.Time) {
	s := victoriametrics.Start(t)
	text, start := history(time.Millisecond)
	s.Import(t, text)
	return s.URL, start
}

// refusals are what a server says of queries that it does not take, and with which status.
type refusals struct {
	status int
	says   map[string]string
}

var (
	ofPrometheus = refusals{http.StatusBadRequest, map[string]string{"sum(": "parse error", "clicks_total[5m]": "ranges", `"text"`: "a text"}}
	ofVictoria   = refusals{http.StatusUnprocessableEntity, map[string]string{"sum(": "unparsed data"}}
)

func TestRealServersAnswer(t *testing.T) {
	for name, server := range map[string]struct {
		start   func(*testing.T) (url string, start time.Time)
		refuses refusals
	}{
		"embedded":        {embedded, ofPrometheus},
		"debian":          {debian, ofPrometheus},
		"VictoriaMetrics": {victoria, ofVictoria},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" by "+method, func(t *testing.T) {
				address, began := server.start(t)
				client, err := promapi.New(promapi.Options{URL: address, Method: method})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				await.True(t, "the server is ready", func() bool {
					_, err := client.Query(t.Context(), "1", time.Time{})
					return err == nil
				})
				checkServer(t, client, began)
				checkRefusals(t, client, began, server.refuses)
			})
		}
	}
}

func checkServer(t *testing.T, client *promapi.Client, start time.Time) {
	ctx := t.Context()
	samples, err := client.Query(ctx, `clicks_total{pod="clicks-1"}`, start.Add(10*time.Minute))
	if err != nil || len(samples) != 1 || samples[0].Value != 120 || !samples[0].Time.Equal(start.Add(10*time.Minute)) {
		t.Errorf("query: %v, %v", samples, err)
	}
	if samples, err := client.Query(ctx, `scalar(vector(1)) / 0`, start); err != nil || len(samples) != 1 || fmt.Sprint(samples[0].Value) != "+Inf" {
		t.Errorf("infinite: %v, %v", samples, err)
	}
	from := start.Add(5*time.Minute + 7*time.Second) // no whole number of steps since 1970
	ranges, err := client.QueryRange(ctx, `sum by (pod) (rate(clicks_total[2m]))`, from, from.Add(45*time.Minute), 15*time.Second)
	if err != nil || len(ranges) != 2 {
		t.Fatalf("range: %v, %v", ranges, err)
	}
	for _, s := range ranges {
		if want := map[string]string{"clicks-0": "0.1", "clicks-1": "0.2"}[s.Labels.Get("pod")]; len(s.Points) != 181 || s.Points[0].Time != from.UnixMilli() || fmt.Sprintf("%.4g", s.Points[90].Value) != want {
			t.Errorf("range: %v has %d points, %v, want %s", s.Labels, len(s.Points), s.Points[90], want)
		}
	}
	var found []string
	err = client.Series(ctx, []string{`clicks_total`, `{pod="nobody"}`}, start, start.Add(time.Hour), func(l labels.Labels) error {
		found = append(found, l.String())
		return nil
	})
	if err != nil || len(found) != 2 || !strings.Contains(found[0], `__name__="clicks_total"`) {
		t.Errorf("series: %v, %v", found, err)
	}
}

func checkRefusals(t *testing.T, client *promapi.Client, at time.Time, refuses refusals) {
	ctx := t.Context()
	for query, says := range refuses.says {
		if _, err := client.Query(ctx, query, at); promapi.KindOf(err) != promapi.Rejected || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", query, err)
		}
	}
	var e *promapi.Error
	if _, err := client.Query(ctx, "sum(", at); !asError(err, &e) || e.Status != refuses.status {
		t.Errorf("status of a refusal: %+v", e)
	}
}

// Left to itself it keeps back the last thirty seconds (-search.latencyOffset).
func TestVictoriaMetricsTellsTheNewestSamplesWhenItsAddressSaysSo(t *testing.T) {
	s := victoriametrics.Start(t)
	client, err := promapi.New(promapi.Options{URL: s.URL + "/?nocache=1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.Import(t, fmt.Sprintf("clicks_total{} 7 %d\n", time.Now().Add(-2*time.Second).UnixMilli()))
	if samples, err := client.Query(t.Context(), "clicks_total", time.Time{}); err != nil || len(samples) != 1 || samples[0].Value != 7 {
		t.Errorf("got %v, %v", samples, err)
	}
}
