package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// TestScrapesBeyondTheLimitAreRefused has a client that does not read what it asked for: with one scrape at once the next one
// is refused, probes are answered, and when it has left scrapes are, too.
func TestScrapesBeyondTheLimitAreRefused(t *testing.T) {
	s := start(t, "--python-dir", directory(t, large), "--limit.scrapes", "1")
	slow, _ := slowScrape(t, s.url)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if status, body := get(t, client, s.url, "", ""); status != http.StatusServiceUnavailable || !strings.Contains(body, "too many") {
		t.Errorf("a second scrape is answered %d: %.100s", status, body)
	}
	if status, _ := get(t, client, strings.TrimSuffix(s.url, "/metrics")+"/-/healthy", "", ""); status != http.StatusOK {
		t.Errorf("a probe is answered %d", status)
	}
	slow.Close()
	deadline := time.After(patience)
	for {
		if status, _ := get(t, client, s.url, "", ""); status == http.StatusOK {
			return
		}
		select {
		case <-deadline:
			t.Fatal("a client that has left still has its place")
		default:
		}
	}
}

func TestLimitsBoundWhatIsRead(t *testing.T) {
	dir := directory(t, func(w *pydirtest.Worker) {
		for i := range 10 {
			w.Counter("clicks", "Clicks.", pydirtest.Label{Name: "n", Value: fmt.Sprint(i)}).Add(1)
		}
		w.Gauge("max", "queue", "Queue.").Set(1)
	})
	for _, tt := range []struct {
		args []string
		want string // a sample of the merge's own
	}{
		{[]string{"--limit.series", "4"}, `truecount_merge_skipped_total{reason="retained_limit"} 7`},
		{[]string{"--limit.worker-series", "4"}, `truecount_merge_skipped_total{reason="series_limit"} 6`},
		{[]string{"--limit.files", "1"}, `truecount_merge_files_skipped_total{reason="limit"} 1`},
		{[]string{"--limit.bytes", "256"}, `truecount_merge_files_skipped_total{reason="too_large"} 1`},
		{nil, `truecount_merge_completeness_ratio 1`},
	} {
		s := start(t, append([]string{"--python-dir", dir}, tt.args...)...)
		if status, body := get(t, http.DefaultClient, s.url, "", ""); status != http.StatusOK || !strings.Contains(body, "\n"+tt.want+"\n") {
			t.Errorf("%v: %d, want %s in\n%s", tt.args, status, tt.want, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestLimitsBoundWhatAWorkerAnswers(t *testing.T) {
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, "# TYPE clicks_total counter\nclicks_total{page=\"a\"} 1\nclicks_total{page=\"b\"} 1\nclicks_total{page=\"c\"} 1\n")
	}))
	defer worker.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(worker.URL, "http://"), ":")
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, http.StatusOK, "clicks_total{page=\"c\"} 1\n"},
		{nil, http.StatusOK, "\ntruecount_merge_completeness_ratio 1\n"},
		{[]string{"--limit.worker-series", "2"}, http.StatusOK, `truecount_merge_skipped_total{reason="series_limit"} `},
		{[]string{"--limit.series", "2"}, http.StatusOK, `truecount_merge_skipped_total{reason="retained_limit"} `},
		{[]string{"--limit.bytes", "64"}, http.StatusServiceUnavailable, "the answer is longer than 64 bytes"},
	} {
		s := start(t, append([]string{"--ports", port}, tt.args...)...)
		if status, body := get(t, http.DefaultClient, s.url, "", ""); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%v: %d, want %d and %s in\n%s", tt.args, status, tt.status, tt.want, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestASizeIsWrittenWithItsUnit(t *testing.T) {
	for text, want := range map[string]size{"1": 1, "64MiB": 64 << 20, "3KiB": 3 << 10, "1GiB": 1 << 30, "1025": 1025} {
		var s size
		if err := s.Set(text); err != nil || s != want || s.String() != text {
			t.Errorf("%s is %d and written %s, %v", text, s, s.String(), err)
		}
	}
	for _, text := range []string{"", "MiB", "0", "-1", "1.5MiB", "64MB", "2GiB", "3000MiB", "9999999999999999999", "1 MiB"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q is taken for %d", text, s)
		}
	}
}
