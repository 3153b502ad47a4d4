package pydir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/test/tool"
)

// readCalls is how many read calls this process has made.
func readCalls(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if _, err := fmt.Sscanf(string(text[strings.Index(string(text), "syscr:"):]), "syscr: %d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func openFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestM8TenThousandDeadWorkersAreReadOnce(t *testing.T) {
	const dead, live = 10_000, 4
	dir := t.TempDir()
	want := map[string]float64{"walks_total": dead * 2, "runs_total": dead}
	for pid := range dead {
		entries := []pydirtest.Entry{counterEntry("walks", 2), counterEntry("runs", 1)}
		write(t, dir, retired("counter", 100_000+pid), pydirtest.Image(since018, entries...))
	}
	var walks []*pydirtest.Value
	for pid := range live {
		c := worker(t, dir, fmt.Sprint(1+pid)).Counter("walks", "Help.")
		c.Add(1)
		walks = append(walks, c)
	}
	want["walks_total"] += live
	longAgo(t, dir)
	before := openFiles(t)
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, want) // all of them, although fewer may be open at once
	if final, read := ownMetric(t, m, "files", "state", "final"), ownMetric(t, m, "files", "state", "read"); final != dead || read != live {
		t.Errorf("%v files are final and %v are read, want %d and %d", final, read, dead, live)
	}
	if n := openFiles(t) - before; n > live+2 {
		t.Errorf("%d files are open, want those of the living and the directory", n)
	}
	scrapes := []string{asText, asOpenMetrics}
	for range 3 {
		for _, c := range walks {
			c.Add(1)
		}
		want["walks_total"] += live
		calls := readCalls(t)
		for _, accept := range scrapes {
			same(t, accept, samplesOf(t, scrape(t, m, accept), accept), want)
		}
		// For each living file its length and its values, twice because of two scrapes; and /proc/self/io itself.
		if n := readCalls(t) - calls; n > len(scrapes)*live*2+4 {
			t.Errorf("two warm scrapes make %d read calls, want those of %d files", n, live)
		}
	}
	if got := skippedFiles(t, m, "limit"); got != 0 {
		t.Errorf("%v files are counted as beyond the limit, and all were read", got)
	}
	// Their files can go, all or some: they are in the totals.
	for pid := range dead / 2 {
		remove(t, dir, retired("counter", 100_000+pid))
	}
	longAgo(t, dir)
	wantSamples(t, m, want)
	if final := ownMetric(t, m, "files", "state", "final"); final != dead/2 {
		t.Errorf("%v files are final, want %d", final, dead/2)
	}
}

// as calls f with the rights of another user, on this thread alone. Whoever is not root has no rights to lose.
func as(t testing.TB, uid int, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	set := func(uid int) {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			t.Fatal(errno)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set(uid)
	defer set(0)
	f()
}

const nobody = 65534

// openDir is a directory that any user can reach.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pydir")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o755)
		_ = os.RemoveAll(dir)
	})
	chmod(t, dir, 0o755)
	return dir
}

func chmod(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestM11AReadOnlyDirectoryIsEnough(t *testing.T) {
	dir := openDir(t)
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 3)))
	chmod(t, filepath.Join(dir, "counter_7.db"), 0o444)
	chmod(t, dir, 0o555)
	m := newMerger(t, pydir.Options{Dir: dir})
	as(t, os.Geteuid(), func() { wantSamples(t, m, map[string]float64{"walks_total": 3}) })
}

func TestM11RightsThatAreLostAndComeBackCountNothingTwice(t *testing.T) {
	for name, mode := range map[string]os.FileMode{"not readable": 0o311, "not searchable": 0o644, "neither": 0} {
		t.Run(name, func(t *testing.T) {
			dir := openDir(t)
			write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 3)))
			write(t, dir, retired("counter", 8), pydirtest.Image(since018, counterEntry("walks", 2)))
			m, want := newMerger(t, pydir.Options{Dir: dir}), map[string]float64{"walks_total": 5}
			read(t, m)
			longAgo(t, dir)
			chmod(t, dir, mode)
			as(t, nobody, func() {
				for range 2 {
					_ = m.Read(t.Context()) // may fail: what is known stands
				}
			})
			chmod(t, dir, 0o755)
			for range 2 {
				wantSamples(t, m, want)
			}
			if read, final := ownMetric(t, m, "files", "state", "read"), ownMetric(t, m, "files", "state", "final"); read != 1 || final != 1 {
				t.Errorf("%v files are read and %v final, want 1 and 1", read, final)
			}
		})
	}
}

func TestM11AFileWithoutRightsIsReadAsSoonAsItHasThem(t *testing.T) {
	dir := openDir(t)
	write(t, dir, "counter_6.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	write(t, dir, "counter_7.db", pydirtest.Image(since018, counterEntry("walks", 3)))
	chmod(t, filepath.Join(dir, "counter_7.db"), 0)
	longAgo(t, dir) // and giving a file rights does not change its directory
	m := newMerger(t, pydir.Options{Dir: dir})
	as(t, nobody, func() { wantSamples(t, m, map[string]float64{"walks_total": 1}) })
	if got := skippedFiles(t, m, "unreadable"); got != 1 {
		t.Errorf("%v files are counted as unreadable", got)
	}
	chmod(t, filepath.Join(dir, "counter_7.db"), 0o644)
	wantSamples(t, m, map[string]float64{"walks_total": 4})
}

func TestM11FilesOfOtherUsersAreRefused(t *testing.T) {
	tool.Root(t)
	dir := openDir(t)
	chown := func(path string, uid int) {
		if err := os.Chown(path, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	for pid, owner := range map[int]int{1: nobody, 2: 1234, 3: 0} {
		base := fmt.Sprintf("counter_%d.db", pid)
		write(t, dir, base, pydirtest.Image(since018, counterEntry(fmt.Sprintf("walks_%d", pid), 1)))
		chown(filepath.Join(dir, base), owner)
	}
	// Whoever reads trusts himself and the owner of the directory.
	m := newMerger(t, pydir.Options{Dir: dir})
	as(t, nobody, func() { wantSamples(t, m, map[string]float64{"walks_1_total": 1, "walks_3_total": 1}) })
	if got := skippedFiles(t, m, "owner"); got != 1 {
		t.Errorf("%v files are counted as another user's", got)
	}
	as(t, 1234, func() {
		wantSamples(t, newMerger(t, pydir.Options{Dir: dir}), map[string]float64{"walks_2_total": 1, "walks_3_total": 1})
	})
	chown(filepath.Join(dir, "counter_2.db"), nobody) // put right
	as(t, nobody, func() {
		wantSamples(t, m, map[string]float64{"walks_1_total": 1, "walks_2_total": 1, "walks_3_total": 1})
	})
}

func TestM12DevicesAreNotOpened(t *testing.T) {
	tool.Root(t)
	dir := t.TempDir()
	if err := unix.Mknod(filepath.Join(dir, "counter_7.db"), unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5))); err != nil { // zero
		t.Fatal(err)
	}
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, map[string]float64{"walks_total": 1})
	if got := skippedFiles(t, m, "not_regular"); got != 1 {
		t.Errorf("%v files are counted as not regular", got)
	}
}
