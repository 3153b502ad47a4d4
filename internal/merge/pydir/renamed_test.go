package pydir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// TestAFileThatIsRenamedWhileTheDirectoryIsListedIsAddedOnce: a hook renames the files of a dead worker at any time. A listing may find
// such a file under both names or under neither.
func TestAFileThatIsRenamedWhileTheDirectoryIsListedIsAddedOnce(t *testing.T) {
	const files, text = 500, "text/plain;version=0.0.4"
	dir := t.TempDir()
	content := pydirtest.Image(pydirtest.Since018, pydirtest.Entry{Key: pydirtest.Key(pydirtest.Since018, "c", "c_total", "Help."), Value: 1})
	for pid := 1; pid <= files; pid++ {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("counter_%d.db", pid)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := newMerger(t, pydir.Options{Dir: dir})
	if err := m.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	renamed := make(chan error, 1)
	var renaming sync.WaitGroup
	defer renaming.Wait()
	renaming.Go(func() {
		for pid := 1; pid <= files; pid++ {
			old := filepath.Join(dir, fmt.Sprintf("counter_%d.db", pid))
			if err := os.Rename(old, filepath.Join(dir, fmt.Sprintf("counter_%d.retired-%d.db", pid, pid))); err != nil {
				renamed <- err
				return
			}
		}
		renamed <- nil
	})
	for over := false; !over; {
		select {
		case err := <-renamed:
			if err != nil {
				t.Fatal(err)
			}
			over = true
		default:
		}
		if got := samplesOf(t, scrape(t, m, text), text); got[`{__name__="c_total"}`] != files {
			t.Fatalf("the total is %v, want %d", got, files)
		}
	}
}
