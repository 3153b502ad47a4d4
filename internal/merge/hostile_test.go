package merge_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/merge/reading"
)

func TestM13AFloodingWorkerIsCappedAndTheOthersStayExact(t *testing.T) {
	dir := socketDir(t)
	flood, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
	clicks := b.counter("clicks_total")
	clicks.Add(4)
	var body strings.Builder
	body.WriteString("# TYPE clicks_total counter\nclicks_total 1\n# TYPE flood_total counter\n")
	for i := range 5000 {
		fmt.Fprintf(&body, "flood_total{i=\"%d\"} 1\n", i)
	}
	flood.says(text, body.String())
	m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Worker: reading.Limits{Series: 100}, Retained: 150}})
	for range 3 {
		clicks.Inc()
		read(t, m)
	}
	wantValue(t, m, "clicks_total", "8")
	page := scrape(t, m)
	if n := strings.Count(page, "\nflood_total{"); n != 99 {
		t.Errorf("%d series of the flood", n)
	}
	wantValue(t, m, `truecount_merge_skipped_total{reason="series_limit"}`, fmt.Sprint(3*4901))
	flood.remove()

	var more strings.Builder
	more.WriteString("# TYPE other_total counter\n")
	for i := range 99 {
		fmt.Fprintf(&more, "other_total{i=\"%d\"} 1\n", i)
	}
	startWorker(t, dir, 3).says(text, more.String())
	read(t, m)
	wantValue(t, m, "truecount_merge_retained_series", "150")
	wantValue(t, m, `truecount_merge_skipped_total{reason="retained_limit"}`, "49")
	wantValue(t, m, "clicks_total", "8")
}

// worst is a collection of answers that no honest worker gives.
var worst = map[string]http.HandlerFunc{
	"too_large": func(w http.ResponseWriter, r *http.Request) { // endless
		w.Header().Set("Content-Type", text)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("flood_total 1\n", 1000)); err != nil {
				return
			}
		}
	},
	"too_large gzip": func(w http.ResponseWriter, _ *http.Request) { // 20 kB that are 20 MB
		w.Header().Set("Content-Type", text)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(bytes.Repeat([]byte("\n"), 20<<20))
		_ = z.Close()
	},
	"content_type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>It works!</h1>")
	},
	"content_type encoding": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", text)
		w.Header().Set("Content-Encoding", "br")
	},
	"malformed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", text)
		_, _ = io.WriteString(w, "clicks_total{ 3\n")
	},
	"malformed protobuf": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", acceptProto)
		_, _ = w.Write([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3}) // says 4 GB
	},
	"status": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
	"status redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	},
}

func TestM14AHostileWorkerIsSkippedItsLastGoodCountsStand(t *testing.T) {
	for name, handler := range worst {
		t.Run(name, func(t *testing.T) {
			reason, _, _ := strings.Cut(name, " ")
			dir := socketDir(t)
			a, b := startWorker(t, dir, 1), startWorker(t, dir, 2)
			a.counter("clicks_total").Add(3)
			clicks := b.counter("clicks_total")
			m := newMerger(t, merge.Options{Source: endpoints.Dir(dir), Limits: merge.Limits{Worker: reading.Limits{Bytes: 1 << 20}}})
			read(t, m)
			a.set(func() { a.handler = handler })
			clicks.Add(4)
			read(t, m)
			wantValue(t, m, "clicks_total", "7")
			wantValue(t, m, `truecount_merge_read_errors_total{reason="`+reason+`"}`, "1")
			if w := m.Workers()[0]; w.State != merge.WorkerDown || w.Error == "" {
				t.Errorf("the worker is %+v", w)
			}
			a.set(func() { a.handler = nil }) // recovery needs no human
			read(t, m)
			wantValue(t, m, `truecount_merge_worker_up{worker="pid=1"}`, "1")
			wantValue(t, m, "clicks_total", "7")
		})
	}
}

func TestM14PoisonedSeriesAreSkippedAndTheExpositionParses(t *testing.T) {
	dir := socketDir(t)
	a := startWorker(t, dir, 1)
	a.set(func() {
		a.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", acceptProto)
			_, _ = w.Write(poisoned())
		})
	})
	m := mergerOf(t, dir)
	read(t, m)
	wantValue(t, m, `good_total{path="a\"b\\c\nd"}`, "1")
	for reason, want := range map[string]string{"invalid_label": "6", "invalid_value": "3", "invalid_name": "2", "invalid_histogram": "1"} {
		wantValue(t, m, `truecount_merge_skipped_total{reason="`+reason+`"}`, want)
	}
	parses(t, m)
}
