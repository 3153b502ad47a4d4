package pydir_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/internal/merge/reading"
)

// TestFilesReadAheadCountAsThoseReadOneByOne lays files that are large enough to be read ahead and compared with each other,
// with one among them that is not like the others. What is merged must be the same as when each worker's files come alone,
// and so are taken apart each for itself.
func TestFilesReadAheadCountAsThoseReadOneByOne(t *testing.T) {
	const workers = 4
	histogram := func(dir string, worker int) string {
		return filepath.Join(dir, fmt.Sprintf("histogram_%d.db", 1000+worker))
	}
	for name, change := range map[string]func(t *testing.T, dir string){
		"all are alike": func(*testing.T, string) {},
		"one has another key of the same length": func(t *testing.T, dir string) {
			patch(t, histogram(dir, 1), func(b []byte) []byte { b[pydirtest.HeaderSize+40] ^= 1; return b })
		},
		"one has a damaged length": func(t *testing.T, dir string) {
			patch(t, histogram(dir, 2), func(b []byte) []byte { b[pydirtest.HeaderSize] ^= 1; return b })
		},
		"one has damaged padding at its end": func(t *testing.T, dir string) {
			patch(t, histogram(dir, 2), func(b []byte) []byte { b[used(b)-17] = 'x'; return b })
		},
		"the first is damaged": func(t *testing.T, dir string) {
			patch(t, histogram(dir, 0), func(b []byte) []byte { b[pydirtest.HeaderSize] ^= 1; return b })
		},
		"the first is final": func(t *testing.T, dir string) {
			if err := os.Rename(histogram(dir, 0), filepath.Join(dir, "histogram_1000.retired-1.db")); err != nil {
				t.Fatal(err)
			}
		},
		"one of another kind has the same bytes": func(t *testing.T, dir string) {
			content, err := os.ReadFile(histogram(dir, 3))
			if err != nil {
				t.Fatal(err)
			}
			// It is looked at next after those of the histograms' kind.
			if err := os.WriteFile(filepath.Join(dir, "summary_0.db"), content, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"one is truncated": func(t *testing.T, dir string) {
			patch(t, histogram(dir, 1), func(b []byte) []byte { return b[:used(b)/2] })
		},
		"one has one series more": func(t *testing.T, dir string) {
			w := pydirtest.NewWorker(dir, "1002", pydirtest.Since018)
			w.Counter("walks", "Walks.").Add(3)
			w.Histogram("http_request_duration_seconds", "Latency.", []float64{1, 2}, pydirtest.Label{Name: "route", Value: "/more/"}).Observe(1)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := pydirtest.NewLoad(dir, workers, pydirtest.Since018, 3)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			change(t, dir)
			together := newMerger(t, pydir.Options{Dir: dir})

			one := t.TempDir()
			// Long ago, so that the directory is listed every time.
			alone := newMerger(t, pydir.Options{Dir: one, Now: func() time.Time { return time.Unix(0, 0) }})
			for _, worker := range []string{"1000", "1001", "1002", "1003", "0"} {
				files, err := filepath.Glob(filepath.Join(dir, "*_"+worker+".*db"))
				if err != nil || len(files) != 13 && worker != "0" {
					t.Fatalf("%d files of a worker, %v", len(files), err)
				}
				for _, file := range files {
					if err := os.Link(file, filepath.Join(one, filepath.Base(file))); err != nil {
						t.Fatal(err)
					}
				}
				if err := alone.Read(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			got, want := samplesOf(t, scrape(t, together, "text/plain"), "text/plain"), samplesOf(t, scrape(t, alone, "text/plain"), "text/plain")
			if len(want) < 8000 {
				t.Fatalf("%d samples", len(want))
			}
			compareSamples(t, got, want)
			compareSamples(t, samplesOf(t, scrape(t, together, "text/plain"), "text/plain"), want) // and again
		})
	}
}

// patch rewrites a file in place.
func patch(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// used is how much of a file is in use.
func used(content []byte) int {
	return int(content[0]) | int(content[1])<<8 | int(content[2])<<16 | int(content[3])<<24
}

// What is beyond the limit is counted for every file, also for those that are known to be like another.
func TestTheLimitOfAFileHoldsForThoseReadAhead(t *testing.T) {
	dir := t.TempDir()
	l, err := pydirtest.NewLoad(dir, 4, pydirtest.Since018, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{Worker: reading.Limits{Series: 600}}})
	page := scrape(t, m, "text/plain")
	// Of 611 counters, and of 7,200 entries of histograms, which weigh a tenth.
	if want := fmt.Sprintf("truecount_merge_skipped_total{reason=%q} %d\n", reading.SeriesLimit, 4*(11+1200)); !strings.Contains(page, want) {
		t.Errorf("want %s in\n%s", want, page[strings.Index(page, "# HELP truecount_merge_skipped"):])
	}
}
