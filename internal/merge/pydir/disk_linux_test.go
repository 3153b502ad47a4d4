package pydir_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/test/tool"
)

func TestM10ADiskThatIsFullForTheWorkersIsNoneForTheMerge(t *testing.T) {
	tool.Root(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w := worker(t, dir, "1")
	steady := w.Counter("walks", "Help.", label("n", "steady"))
	steady.Add(1)
	m := newMerger(t, pydir.Options{Dir: dir})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envProcess+"=fill the disk", envDirectory+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked, before := 0, 0.0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if acked, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if acked%500 == 0 {
			read(t, m)
			if got := m.Counter("walks_total").Total; got < before || got < float64(acked) {
				t.Errorf("%v are merged, %v before, and %d were acknowledged", got, before, acked)
			} else {
				before = got
			}
		}
	}
	if err := cmd.Wait(); err == nil || acked < 1000 {
		t.Fatalf("the disk is not full after %d series: %v", acked, err)
	}
	// What was counted is there, whatever became of the last page; who has room goes on.
	steady.Add(1)
	got := merged(t, m)
	if got[series("walks_total", "n", "steady")] != 2 || got[series("walks_total", "n", strconv.Itoa(acked-1))] != 1 || m.Counter("walks_total").Total < float64(acked+2) {
		t.Errorf("%v are merged, and %d were acknowledged", m.Counter("walks_total").Total, acked)
	}
	// A new worker finds no room: its file has a size and nothing in it.
	if f, err := os.Create(filepath.Join(dir, "counter_3.db")); err != nil {
		t.Fatal(err)
	} else if err := f.Truncate(65536); err != nil {
		t.Fatal(err)
	} else if _, err := f.WriteAt(pydirtest.Image(since018, counterEntry("walks", 1)), 0); err == nil {
		t.Fatal("there was room")
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	total := m.Counter("walks_total").Total
	for range 2 {
		same(t, "the page", merged(t, m), got)
	}
	if n := skippedFiles(t, m, "empty"); n != 1 {
		t.Errorf("%v files are counted as empty", n)
	}
	// Room again, and all go on.
	remove(t, dir, "counter_2.db")
	read(t, m) // until then the file is open here, and takes up its room
	write(t, dir, "counter_3.db", pydirtest.Image(since018, counterEntry("walks", 5)))
	merged(t, m)
	if got := m.Counter("walks_total").Total; got != total+5 {
		t.Errorf("%v are merged, want %v", got, total+5)
	}
}
