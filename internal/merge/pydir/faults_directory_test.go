package pydir_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// retired is the name under which a hook leaves a dead worker's file.
func retired(kind string, pid int) string {
	return fmt.Sprintf("%s_%d.retired-1764430000000000000.db", kind, pid)
}

// longAgo makes the directory look as if it had not changed lately, so that its modification time is trusted.
func longAgo(t testing.TB, dir string) {
	t.Helper()
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, before, before); err != nil {
		t.Fatal(err)
	}
}

func TestM2FilesRenamedWhileTheyAreListedAreCountedOnce(t *testing.T) {
	const files, renames = 100, 2000
	dir := t.TempDir()
	for pid := range files {
		write(t, dir, fmt.Sprintf("counter_%d.db", 100+pid), pydirtest.Image(since018, counterEntry("walks", 1)))
		write(t, dir, fmt.Sprintf("gauge_sum_%d.db", 100+pid), pydirtest.Image(since018, gaugeEntry("dogs", 1, 0)))
	}
	m := newMerger(t, pydir.Options{Dir: dir})
	read(t, m)
	done := make(chan error, 1)
	go func() {
		names := make([]string, files)
		for n := range renames {
			pid := n % files
			old, name := names[pid], fmt.Sprintf("%d.retired-%d", 100+pid, n)
			if old == "" {
				old = fmt.Sprint(100 + pid)
			}
			for _, kind := range []string{"counter", "gauge_sum"} {
				if err := os.Rename(filepath.Join(dir, kind+"_"+old+".db"), filepath.Join(dir, kind+"_"+name+".db")); err != nil {
					done <- err
					return
				}
			}
			names[pid] = name
		}
		done <- nil
	}()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
		if got := samplesOf(t, scrape(t, m, asText), asText); got[series("walks_total")] != files || got[series("dogs")] > files+1 {
			t.Fatalf("the page has %v", got)
		}
	}
	wantSamples(t, m, map[string]float64{"walks_total": files, "dogs": files})
}

func TestM8AFinalFileIsOneSeriesOfCountsUnderAnyName(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 2)))
	m := newMerger(t, pydir.Options{Dir: dir})
	want := map[string]float64{"walks_total": 2}
	wantSamples(t, m, want)
	rename(t, dir, "counter_7.db", retired("counter", 7))
	wantSamples(t, m, want)
	rename(t, dir, retired("counter", 7), "counter_7.retired-2.db")
	wantSamples(t, m, want)
	if err := os.Link(filepath.Join(dir, "counter_7.retired-2.db"), filepath.Join(dir, "counter_8.db")); err != nil {
		t.Fatal(err)
	}
	wantSamples(t, m, want)
	if got := skippedFiles(t, m, "duplicate"); got != 1 {
		t.Errorf("%v files are counted as duplicates, want 1", got)
	}
	// The next worker with that pid begins at zero, in a file of its own.
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 3)))
	wantSample(t, m, "walks_total", 5)
}

func TestM7TheGaugeOfAPidThatIsUsedAgainIsThatOfTheLiving(t *testing.T) {
	dir := t.TempDir()
	gauge := func(v float64) []byte { return pydirtest.Image(since018, gaugeEntry("threads", v, 0)) }
	write(t, dir, "gauge_all_7.retired-1.db", gauge(1))
	write(t, dir, "gauge_all_7.retired-2.db", gauge(2))
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, map[string]float64{series("threads", "pid", "7"): 2})
	write(t, dir, "gauge_all_7.db", gauge(3))
	wantSamples(t, m, map[string]float64{series("threads", "pid", "7"): 3})
	remove(t, dir, "gauge_all_7.db")
	wantSamples(t, m, map[string]float64{series("threads", "pid", "7"): 2})
}

func TestM8LiveGaugesLeaveWithTheProofOfDeathAndOthersWithTheirFile(t *testing.T) {
	dir := t.TempDir()
	gauge := func(name string) []byte {
		return pydirtest.Image(since018, pydirtest.Entry{Key: pydirtest.Key(since018, name, name, "Help."), Value: 5})
	}
	write(t, dir, "gauge_livesum_7.db", gauge("pool"))
	write(t, dir, "gauge_liveall_7.db", gauge("threads"))
	write(t, dir, "gauge_max_7.db", gauge("peak"))
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, map[string]float64{"pool": 5, series("threads", "pid", "7"): 5, "peak": 5})
	for _, mode := range []string{"livesum", "liveall", "max"} {
		rename(t, dir, "gauge_"+mode+"_7.db", retired("gauge_"+mode, 7))
	}
	wantSamples(t, m, map[string]float64{"peak": 5})
	remove(t, dir, retired("gauge_max", 7))
	wantSamples(t, m, map[string]float64{})
}

func TestM11ADirectoryThatIsMadeLaterIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "multiproc")
	m := newMerger(t, pydir.Options{Dir: dir})
	if err := m.Read(t.Context()); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("the error is %v", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	read(t, m)
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 3)))
	wantSamples(t, m, map[string]float64{"walks_total": 3})
	// A file in its place is no directory; what was counted stands.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := m.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "no directory") {
		t.Errorf("the error is %v", err)
	}
	wantSamples(t, m, map[string]float64{"walks_total": 3})
	if got := ownMetric(t, m, "source_errors_total"); got < 2 {
		t.Errorf("%v failures are counted", got)
	}
}

// fill lays a counter, a gauge and a final file.
func fill(t testing.TB, dir string, n float64) {
	t.Helper()
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", n)))
	write(t, dir, "gauge_sum_7.db", pydirtest.Image(since018, pydirtest.Entry{Key: pydirtest.Key(since018, "dogs", "dogs", "Help."), Value: n}))
	write(t, dir, retired("counter", 3), pydirtest.Image(since018, counterEntry("walks", n)))
}

func TestM11AWipedOrReplacedDirectoryMakesNoCounterFall(t *testing.T) {
	away := func(t *testing.T, dir string) string {
		if err := os.Rename(dir, dir+".old"); err != nil {
			t.Fatal(err)
		}
		return dir + ".old"
	}
	for name, wipe := range map[string]func(t *testing.T, dir string){
		"its files deleted": func(t *testing.T, dir string) {
			list, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range list {
				remove(t, dir, file.Name())
			}
		},
		"deleted and made anew": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"moved away and made anew": func(t *testing.T, dir string) {
			away(t, dir)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"a link that leads elsewhere": func(t *testing.T, dir string) {
			away(t, dir)
			if err := os.Symlink(t.TempDir(), dir); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, noticed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, read in between %t", name, noticed), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "multiproc")
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				fill(t, dir, 5)
				m := newMerger(t, pydir.Options{Dir: dir})
				wantSamples(t, m, map[string]float64{"walks_total": 10, "dogs": 5})
				wipe(t, dir)
				if noticed {
					wantSamples(t, m, map[string]float64{"walks_total": 10})
				}
				fill(t, dir, 1) // the application begins again, with the same pids
				wantSamples(t, m, map[string]float64{"walks_total": 12, "dogs": 1})
				fill(t, dir, 2) // and counts on, but not in the final file, which is not read again
				wantSamples(t, m, map[string]float64{"walks_total": 13, "dogs": 2})
			})
		}
	}
}

func TestM12WhatIsNoFileIsNeverOpened(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	good := pydirtest.Image(since018, counterEntry("walks", 1))
	write(t, dir, "counter_1.db", good)
	write(t, elsewhere, "counter_9.db", good)
	at := func(base string) string { return filepath.Join(dir, base) }
	try := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	try(os.Symlink(filepath.Join(elsewhere, "counter_9.db"), at("counter_2.db")))
	try(os.Symlink("/dev/zero", at("counter_3.db")))
	try(os.Symlink("nowhere", at("counter_4.db")))
	try(unix.Mkfifo(at("counter_5.db"), 0o644))
	try(os.Mkdir(at("counter_6.db"), 0o755))
	socket, err := net.Listen("unix", at("counter_7.db"))
	try(err)
	defer socket.Close()
	try(os.Link(at("counter_1.db"), at("counter_8.db")))
	try(os.WriteFile(at("counter_10.db"), good, 0o644)) // 1 TB, with all that is in use at its beginning
	try(os.Truncate(at("counter_10.db"), 1<<40))
	try(os.WriteFile(at("counter_11.db"), nil, 0o644)) // 1 TB of nothing
	try(os.Truncate(at("counter_11.db"), 1<<40))
	try(os.WriteFile(at("counter_12.db"), []byte{0xf8, 0xff, 0xff, 0x7f, 0, 0, 0, 0}, 0o644)) // and 1 TB that says it is used
	try(os.Truncate(at("counter_12.db"), 1<<40))
	try(os.WriteFile(at("notes.db"), good, 0o644))
	try(os.WriteFile(at("gauge_median_1.db"), good, 0o644))
	try(os.WriteFile(at("counter_.db"), good, 0o644))
	try(os.WriteFile(at("README"), nil, 0o644)) // nobody's business
	m := newMerger(t, pydir.Options{Dir: dir})
	for range 2 {
		wantSamples(t, m, map[string]float64{"walks_total": 2})
	}
	for reason, want := range map[string]float64{"not_regular": 6, "duplicate": 1, "empty": 1, "too_large": 1, "name": 3, "foreign": 0} {
		if got := skippedFiles(t, m, reason); got != want {
			t.Errorf("%v files are counted as %s, want %v", got, reason, want)
		}
	}
	// Of a hard link it doesn't matter which name goes.
	remove(t, dir, "counter_1.db")
	wantSamples(t, m, map[string]float64{"walks_total": 2})
	// What becomes a file is read.
	remove(t, dir, "counter_5.db")
	write(t, dir, "counter_5.db", good)
	wantSamples(t, m, map[string]float64{"walks_total": 3})
}

func TestM13MoreEntriesThanTheLimitHideNoFileThatIsKnown(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 3)))
	write(t, dir, retired("counter", 8), pydirtest.Image(since018, counterEntry("walks", 2)))
	m := newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{Entries: 100}})
	want := map[string]float64{"walks_total": 5}
	wantSamples(t, m, want)
	for i := range 2000 {
		write(t, dir, fmt.Sprintf("junk-%d", i), nil)
	}
	wantSamples(t, m, want)
	for i := range 2000 {
		remove(t, dir, fmt.Sprintf("junk-%d", i))
	}
	wantSamples(t, m, want)
}

func TestM13OnlySoManyFilesAreOpenAndTheOthersAreCounted(t *testing.T) {
	dir := t.TempDir()
	for pid := range 20 {
		write(t, dir, fmt.Sprintf("counter_%d.db", 10+pid), pydirtest.Image(since018, counterEntry("walks", 1)))
	}
	longAgo(t, dir)
	m := newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{Files: 8}})
	wantSamples(t, m, map[string]float64{"walks_total": 8})
	if got := skippedFiles(t, m, "limit"); got != 12 {
		t.Errorf("%v files are counted as beyond the limit, want 12", got)
	}
	for pid := range 8 {
		remove(t, dir, fmt.Sprintf("counter_%d.db", 10+pid))
	}
	wantSamples(t, m, map[string]float64{"walks_total": 16})
}
