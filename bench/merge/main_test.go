package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/test/tool"
)

// small is a run that measures nothing of interest in a few seconds.
func small(t *testing.T) (*bench, *bytes.Buffer) {
	var out bytes.Buffer
	return &bench{script: "multiprocess.py", dir: t.TempDir(), workers: 2, dead: 5, turns: 2, scrapes: 20, atMost: time.Minute, out: &out}, &out
}

func TestARunMeasuresBothSidesAndPrintsRatios(t *testing.T) {
	b, out := small(t)
	if b.interpreter = withClient(t.Context()); b.interpreter == "" {
		tool.Need(t, "python3 with prometheus_client")
	}
	if err := b.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		`beside it: prometheus_client \d`,
		`(?m)^first scrape, median of 2 +[\d.]+ ms +[\d.]+ ms +\d+ +20`,
		`(?m)^exec to the end of the first answer +[\d.]+ ms +[\d.]+ ms +\d+`,
		`(?m)^warm scrape, median of 10 and 2 +[\d.]+ ms +[\d.]+ ms +\d+ +100`,
		`(?m)^warm scrape, gzip, median of 10 and 2 +[\d.]+ ms +[\d.]+ ms +\d+ +100`,
		`(?m)^warm scrape beside 5 files of dead workers +[\d.]+ ms`,
		`(?m)^resident after 20 scrapes, in \d+s +[\d.]+ MB`,
	} {
		if !regexp.MustCompile(row).MatchString(out.String()) {
			t.Errorf("no line like %s in\n%s", row, out)
		}
	}
}

func TestARunWithoutPythonSaysSo(t *testing.T) {
	b, out := small(t)
	b.interpreter = "none"
	if err := b.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^warm scrape, median of 10 and 0 +[\d.]+ ms +– +–`).MatchString(out.String()) {
		t.Errorf("Python was not measured, and it is not said in\n%s", out)
	}
}

// TestAWrongAnswerIsFound takes a right page from a sidecar and changes it.
func TestAWrongAnswerIsFound(t *testing.T) {
	b, _ := small(t)
	d, err := layDirectory(filepath.Join(b.dir, "live"), 2, 3, pydirtest.Since018)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	page := pageOf(t, b, d)
	if err := b.checked("the sidecar", d, page, false, true); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(page), "\n")
	at := func(prefix string) int {
		for i, line := range lines {
			if strings.HasPrefix(line, prefix) {
				return i
			}
		}
		t.Fatalf("no line %s", prefix)
		return 0
	}
	for name, prefix := range map[string]string{
		"a bucket": "http_request_duration_seconds_bucket", "a gauge": "pool_connections_max", "a dead worker's counter": "jobs_total", "a sum": "http_response_size_bytes_sum",
	} {
		t.Run(name+" is missing", func(t *testing.T) {
			i := at(prefix)
			wrong := strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
			if err := d.check([]byte(wrong), false); err == nil {
				t.Error("it was not found")
			}
		})
		t.Run(name+" is wrong", func(t *testing.T) {
			i := at(prefix)
			wrong := strings.Join(lines[:i], "") + strings.Replace(lines[i], "} ", "} 1", 1) + strings.Join(lines[i+1:], "")
			if err := d.check([]byte(wrong), false); err == nil {
				t.Error("it was not found")
			}
		})
	}
	if err := d.tick(); err != nil {
		t.Fatal(err)
	}
	if err := d.checkTotal(page, false); err == nil {
		t.Error("an answer from before the last change was not found")
	}
}

func pageOf(t *testing.T, b *bench, d *directory) []byte {
	t.Helper()
	// run builds the sidecar for itself only; its error would be this one.
	program := filepath.Join(b.dir, "truecount-sidecar")
	if err := build(context.Background(), program); err != nil {
		t.Fatal(err)
	}
	s, err := startSidecar(context.Background(), program, d.path)
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := s.scrape(false)
	page = bytes.Clone(page)
	if e := s.stop(); err == nil {
		err = e
	}
	if err != nil {
		t.Fatal(err)
	}
	return page
}
