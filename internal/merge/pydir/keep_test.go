package pydir_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/internal/merge/state"
)

// life is one run of a merge over a directory, with a state file that outlives it.
type life struct {
	t          *testing.T
	dir, state string
}

func newLife(t *testing.T) life {
	dir := t.TempDir()
	l := life{t, filepath.Join(dir, "multiproc"), filepath.Join(dir, "state")}
	if err := os.Mkdir(l.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return l
}

// total runs a merge that reads once and ends, and returns what it serves of the counter.
func (l life) total(o pydir.Options) float64 {
	l.t.Helper()
	o.Dir, o.State = l.dir, l.state
	m := newMerger(l.t, o)
	defer m.Close()
	if err := m.Read(context.Background()); err != nil {
		l.t.Fatal(err)
	}
	return samplesOf(l.t, scrape(l.t, m, "text/plain"), "text/plain")[`{__name__="walks_started_total"}`]
}

// worker starts a worker, or continues the files of one.
func (l life) worker(id string) (*pydirtest.Worker, *pydirtest.Value) {
	l.t.Helper()
	w := pydirtest.NewWorker(l.dir, id, pydirtest.Since018)
	c := w.Counter("walks_started", "Walks.")
	l.t.Cleanup(func() { _ = w.Close() })
	return w, c
}

func (l life) remove(pattern string) {
	l.t.Helper()
	names, err := filepath.Glob(filepath.Join(l.dir, pattern))
	if err != nil || len(names) == 0 {
		l.t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l life) rename(from, to string) {
	l.t.Helper()
	if err := os.Rename(filepath.Join(l.dir, from), filepath.Join(l.dir, to)); err != nil {
		l.t.Fatal(err)
	}
}

func TestARestartOfTheMergeAddsNothingTwiceAndLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name      string
		meanwhile func(l life, w *pydirtest.Worker, c *pydirtest.Value)
		want      float64
	}{
		{"the worker goes on", func(_ life, _ *pydirtest.Worker, c *pydirtest.Value) { c.Add(2) }, 7},
		{"nothing happens", func(life, *pydirtest.Worker, *pydirtest.Value) {}, 5},
		{"the directory is wiped", func(l life, w *pydirtest.Worker, _ *pydirtest.Value) {
			_ = w.Close()
			l.remove("*.db")
		}, 5},
		{"it is wiped and a worker of the same pid counts", func(l life, w *pydirtest.Worker, _ *pydirtest.Value) {
			_ = w.Close()
			l.remove("*.db")
			_, c := l.worker("7")
			c.Add(1)
		}, 6},
		{"the file is emptied and begun anew", func(l life, w *pydirtest.Worker, _ *pydirtest.Value) {
			_ = w.Close()
			if err := os.Truncate(filepath.Join(l.dir, "counter_7.db"), 0); err != nil {
				l.t.Fatal(err)
			}
			_, c := l.worker("7")
			c.Add(1)
		}, 6},
		{"a worker of the same pid continues the file", func(l life, w *pydirtest.Worker, _ *pydirtest.Value) {
			_ = w.Close()
			_, c := l.worker("7")
			c.Add(1)
		}, 6},
		{"the hook renames the file", func(l life, w *pydirtest.Worker, c *pydirtest.Value) {
			c.Add(1)
			_ = w.Close()
			l.rename("counter_7.db", "counter_7.retired-1.db")
		}, 6},
		{"the file can't be read", func(l life, w *pydirtest.Worker, _ *pydirtest.Value) {
			_ = w.Close()
			if err := os.Truncate(filepath.Join(l.dir, "counter_7.db"), 20); err != nil {
				l.t.Fatal(err)
			}
		}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLife(t)
			w, counter := l.worker("7")
			counter.Add(5)
			if got := l.total(pydir.Options{}); got != 5 {
				t.Fatalf("at first %v were counted", got)
			}
			c.meanwhile(l, w, counter)
			for again := range 3 {
				if got := l.total(pydir.Options{}); got != c.want {
					t.Fatalf("after %d more restarts %v were counted, want %v", again, got, c.want)
				}
			}
		})
	}
}

func TestFilesOfDeadWorkersAreInTheStateAndReadNoMore(t *testing.T) {
	l := newLife(t)
	w, c := l.worker("7")
	c.Add(5)
	_ = w.Close()
	l.rename("counter_7.db", "counter_7.retired-1.db")
	for range 2 {
		if got := l.total(pydir.Options{}); got != 5 {
			t.Fatalf("%v were counted", got)
		}
	}
	if err := os.WriteFile(filepath.Join(l.dir, "counter_7.retired-1.db"), []byte("no longer read"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMerger(t, pydir.Options{Dir: l.dir, State: l.state})
	page := samplesOf(t, own(scrape(t, m, "text/plain")), "text/plain")
	if page[`{__name__="own_files", state="final"}`] != 1 || page[`{__name__="own_files", state="left_out"}`] != 0 {
		t.Errorf("the file is not known as final: %v", page)
	}
	if page[`{__name__="walks_started_total"}`] != 5 {
		t.Errorf("%v were counted", page)
	}
}

func TestHistogramsOfGoneFilesKeepTheirBounds(t *testing.T) {
	l := newLife(t)
	w := pydirtest.NewWorker(l.dir, "7", pydirtest.Since018)
	h := w.Histogram("walk_distance", "Metres.", []float64{1, 5, 10}, pydirtest.Label{Name: "size", Value: `a "b"`})
	for _, v := range []float64{0.5, 3, 7, 100} {
		h.Observe(v)
	}
	s := w.Summary("payload_bytes", "Bytes.")
	s.Observe(2.5)
	_ = w.Close()
	page := func() map[string]float64 {
		m := newMerger(t, pydir.Options{Dir: l.dir, State: l.state})
		defer m.Close()
		return samplesOf(t, scrape(t, m, "text/plain"), "text/plain")
	}
	before := page()
	if len(before) != 8 {
		t.Fatalf("%d samples: %v", len(before), before)
	}
	l.remove("*.db")
	compareSamples(t, page(), before)
	compareSamples(t, page(), before)
}

func TestM21AStateFileThatIsDamagedIsToldAndTheFilesAreReadAfresh(t *testing.T) {
	l := newLife(t)
	_, c := l.worker("7")
	c.Add(5)
	l.total(pydir.Options{})
	content, err := os.ReadFile(l.state)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range [][]byte{content[:len(content)-1], append(bytes.Clone(content[:len(content)-1]), content[len(content)-1]^1)} {
		if err := os.WriteFile(l.state, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		if got := l.total(pydir.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}); got != 5 {
			t.Errorf("%v were counted", got)
		}
		if !strings.Contains(log.String(), "state file") {
			t.Errorf("the log does not tell: %s", &log)
		}
	}
}

func TestWhatIsNoStateFileIsNotOverwritten(t *testing.T) {
	l := newLife(t)
	if err := os.WriteFile(l.state, []byte("a letter to my aunt, who would miss it"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pydir.New(pydir.Options{Dir: l.dir, State: l.state})
	if !errors.Is(err, state.ErrForeign) || hint.Of(err) == "" {
		t.Errorf("the error is %v", err)
	}
	if content, _ := os.ReadFile(l.state); !bytes.HasPrefix(content, []byte("a letter")) {
		t.Error("the file was overwritten")
	}
}

func TestFilesAreNotDeletedWithoutAStateFile(t *testing.T) {
	_, err := pydir.New(pydir.Options{Dir: t.TempDir(), Compact: true})
	if err == nil || hint.Of(err) == "" {
		t.Errorf("the error is %v", err)
	}
}

func TestFilesAreNotDeletedWhileTheStateCannotBeWritten(t *testing.T) {
	l := newLife(t)
	states := filepath.Join(t.TempDir(), "states")
	if err := os.Mkdir(states, 0o755); err != nil {
		t.Fatal(err)
	}
	w, c := l.worker("7")
	c.Add(5)
	_ = w.Close()
	m := newMerger(t, pydir.Options{Dir: l.dir, State: filepath.Join(states, "state"), Compact: true, Interval: time.Millisecond})
	if err := os.RemoveAll(states); err != nil {
		t.Fatal(err)
	}
	l.rename("counter_7.db", "counter_7.retired-1.db")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	for samplesOf(t, own(scrape(t, m, "text/plain")), "text/plain")[`{__name__="own_state_errors_total"}`] < 3 {
	}
	page := samplesOf(t, own(scrape(t, m, "text/plain")), "text/plain")
	if page[`{__name__="own_state_healthy"}`] != 0 || page[`{__name__="walks_started_total"}`] != 5 {
		t.Errorf("the page says %v", page)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "counter_7.retired-1.db")); err != nil {
		t.Errorf("the file was deleted: %v", err)
	}
}

// own renames the merge's own metrics, so that samplesOf lists them.
func own(page string) string { return strings.ReplaceAll(page, "truecount_merge_", "own_") }
