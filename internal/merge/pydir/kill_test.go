package pydir_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/test/tool"
)

// prefork is a running testdata/prefork.py: real workers of Python's client.
type prefork struct {
	t      *testing.T
	cmd    *exec.Cmd
	events io.ReadCloser
	out    bytes.Buffer
}

func startPrefork(t *testing.T, dir string, workers int, hooked float64) *prefork {
	t.Helper()
	python := tool.Need(t, "/usr/bin/python3", "python3")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &prefork{t: t, events: r}
	p.cmd = exec.Command(python, "testdata/prefork.py", strconv.Itoa(workers), fmt.Sprint(hooked))
	p.cmd.Env = append(os.Environ(), "PROMETHEUS_MULTIPROC_DIR="+dir)
	p.cmd.ExtraFiles, p.cmd.Stdout, p.cmd.Stderr = []*os.File{w}, &p.out, os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		r.Close() // and whoever is left ends with it
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// event is what the parent or a worker tells: S is started, A has counted once, D is dead.
func (p *prefork) event() (kind byte, pid int, err error) {
	var b [5]byte
	if _, err := io.ReadFull(p.events, b[:]); err != nil {
		return 0, 0, err
	}
	return b[0], int(binary.LittleEndian.Uint32(b[1:])), nil
}

// end ends it and returns what the client's own merge says.
func (p *prefork) end() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// page is the client's own merge, after the end.
func (p *prefork) page() map[string]float64 {
	p.t.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("the workers' parent: %v", err)
	}
	return samplesOf(p.t, p.out.String(), asText)
}

// account is what the workers of one pid have acknowledged.
type account struct {
	acked, lives int
	life, until  int // of the one that lives: what it has acknowledged, and after how much it is killed
	killed       bool
}

// TestM1KilledWorkersLoseNothingAndCountersNeverFall takes some ten seconds: a thousand processes are born and killed.
func TestM1KilledWorkersLoseNothingAndCountersNeverFall(t *testing.T) {
	const kills, increments = 1000, 10_000
	dir := t.TempDir()
	p := startPrefork(t, dir, 4, 0.75)
	m := newMerger(t, pydir.Options{Dir: dir})

	var reads, decreases atomic.Int64
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		walks, distances := 0.0, 0.0
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if err := m.Read(t.Context()); err != nil {
				t.Error(err)
				return
			}
			w, d := m.Counter("walks_total").Total, m.Counter("distance_meters_count").Total
			if w < walks || d < distances {
				decreases.Add(1)
				t.Errorf("walks went from %v to %v, distances from %v to %v", walks, w, distances, d)
			}
			walks, distances = w, d
			reads.Add(1)
		}
	}()

	accounts, killed, inKilled := map[int]*account{}, 0, 0
	for ending := false; ; {
		kind, pid, err := p.event()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		a := accounts[pid]
		if a == nil {
			a = &account{}
			accounts[pid] = a
		}
		switch kind {
		case 'S': // may come after the first of its acknowledgements
			a.lives++
		case 'A':
			if a.life == 0 {
				a.until = 10 + rand.IntN(15)
			}
			a.acked++
			a.life++
			if a.life >= a.until && !a.killed {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				a.killed = true
			}
		case 'D':
			if a.killed {
				killed++
				inKilled += a.life
			}
			a.life, a.killed = 0, false
		}
		if !ending && killed >= kills && inKilled >= increments {
			ending = true
			p.end()
		}
	}
	theirs := p.page()
	close(stop)
	<-watched
	if killed < kills || inKilled < increments {
		t.Fatalf("only %d workers were killed, after %d acknowledged increments", killed, inKilled)
	}

	// At rest the total is what was acknowledged, and what a killed worker had counted and could no longer say: at most once
	// in each life, as its file says.
	acked, unsaid := 0, 0
	for pid, a := range accounts {
		counted := countedBy(t, dir, pid)
		if counted < a.acked || counted > a.acked+a.lives {
			t.Errorf("pid %d acknowledged %d in %d lives, and its files say %d", pid, a.acked, a.lives, counted)
		}
		acked += a.acked
		unsaid += counted - a.acked
	}
	got := merged(t, m)
	if want := float64(acked + unsaid); got[series("walks_total")] != want {
		t.Errorf("the total is %v, and %d increments were acknowledged, %d more made", got[series("walks_total")], acked, unsaid)
	}
	compareSamples(t, got, theirs)
	if n := countedBy(t, dir, p.cmd.Process.Pid); n != 0 {
		t.Errorf("M24: the parent's file has %d counts of its children", n)
	}
	t.Logf("%d kills, %d acknowledged increments in killed workers, %d in all, %d made and not acknowledged; %d readings, %d decreases; %v files final",
		killed, inKilled, acked, unsaid, reads.Load(), decreases.Load(), ownMetric(t, m, "files", "state", "final"))
}

// countedBy is what the files of a pid say, read by the writer's own code.
func countedBy(t testing.TB, dir string, pid int) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("counter_%d.*db", pid)))
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, path := range paths {
		f, err := pydirtest.OpenFile(path, clientGeneration(t))
		if err != nil {
			t.Fatal(err)
		}
		n, err := f.Read(pydirtest.Key(clientGeneration(t), "walks", "walks_total", "Walks."))
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return int(total)
}

var generation atomic.Int64 // of the client that is installed, plus one

// clientGeneration is the generation that the installed client writes.
func clientGeneration(t testing.TB) pydirtest.Generation {
	t.Helper()
	if g := generation.Load(); g > 0 {
		return pydirtest.Generation(g - 1)
	}
	out, err := exec.Command(tool.Need(t, "/usr/bin/python3", "python3"), "-c",
		"import prometheus_client.mmap_dict as m; print(2 if hasattr(m, '_pack_two_doubles') else 1)").Output()
	if err != nil {
		t.Fatal(err)
	}
	g, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	generation.Store(int64(g) + 1)
	return pydirtest.Generation(g)
}

func TestM19AStoppedWorkerHoldsNobodyUp(t *testing.T) {
	dir := t.TempDir()
	p := startPrefork(t, dir, 2, 1)
	acked := map[int]int{}
	until := func(done func() bool) {
		t.Helper()
		for !done() {
			kind, pid, err := p.event()
			if err != nil {
				t.Fatal(err)
			}
			if kind == 'A' {
				acked[pid]++
			}
		}
	}
	all := func(n int) func() bool {
		return func() bool {
			enough := len(acked) == 2
			for _, have := range acked {
				enough = enough && have >= n
			}
			return enough
		}
	}
	until(all(20))
	stopped, other := 0, 0
	for pid := range acked {
		stopped, other = pid, stopped
	}
	if err := syscall.Kill(stopped, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// Whatever it holds: here, in its place, locks on all its files.
	files, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("*_%d.db", stopped)))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
	more := acked[other] + 50
	until(func() bool { return acked[other] >= more })
	m := newMerger(t, pydir.Options{Dir: dir})
	walks := func() float64 { return samplesOf(t, scrape(t, m, asText), asText)[series("walks_total")] }
	total := walks()
	if total < float64(acked[stopped]+acked[other]) {
		t.Errorf("%v walks are merged, and %d and %d were acknowledged", total, acked[stopped], acked[other])
	}
	if n := down(m); n != 0 {
		t.Errorf("%d workers are down: a stopped worker's counts are there to read", n)
	}
	if err := syscall.Kill(stopped, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	before := acked[stopped]
	until(func() bool { return acked[stopped] > before+50 })
	if again := walks(); again < total+50 {
		t.Errorf("the total went from %v to %v, after 50 more", total, again)
	}
	p.end()
	for {
		if _, _, err := p.event(); err != nil {
			break
		}
	}
	compareSamples(t, merged(t, m), p.page())
}

// client runs a script with Python's client as the process of some pid.
func client(t *testing.T, dir string, pid int, script string) {
	t.Helper()
	run := exec.Command(tool.Need(t, "/usr/bin/python3", "python3"), "-c", fmt.Sprintf(
		"import os\nos.getpid = lambda: %d\nfrom prometheus_client import Counter, Gauge, Histogram\n%s", pid, script))
	run.Env = append(os.Environ(), "PROMETHEUS_MULTIPROC_DIR="+dir)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestM7AFileThatIsContinuedUnderAPidIsCountedOnce(t *testing.T) {
	dir := t.TempDir()
	m := newMerger(t, pydir.Options{Dir: dir})
	for life := 1; life <= 3; life++ {
		client(t, dir, 7, "c = Counter('walks', 'Walks.')\nc.inc(5)\nGauge('dogs', 'Dogs.', multiprocess_mode='livesum').set(2)\nHistogram('distance', 'D.', buckets=[1]).observe(3)")
		for range 2 {
			wantSamples(t, m, map[string]float64{"walks_total": 5 * float64(life), "dogs": 2,
				series("distance_bucket", "le", "1.0"): 0, series("distance_bucket", "le", "+Inf"): float64(life), "distance_count": float64(life), "distance_sum": 3 * float64(life)})
		}
	}
	if read := ownMetric(t, m, "files", "state", "read"); read != 3 {
		t.Errorf("%v files are read, want 3", read)
	}
}

func TestM24ContainersWithTheSameVolumeAndTheSamePids(t *testing.T) {
	dir := t.TempDir()
	m := newMerger(t, pydir.Options{Dir: dir})
	container := func(n float64) {
		for pid := 7; pid <= 8; pid++ {
			w := pydirtest.NewWorker(dir, strconv.Itoa(pid), clientGeneration(t))
			w.Counter("walks", "Walks.").Add(n)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		client(t, dir, 9, fmt.Sprintf("Counter('walks', 'Walks.').inc(%v)", n))
	}
	container(1)
	wantSamples(t, m, map[string]float64{"walks_total": 3})
	container(10) // on the same volume as it was left: the files go on
	wantSamples(t, m, map[string]float64{"walks_total": 33})
	for pid := 7; pid <= 9; pid++ { // wiped at the start, as the client wants it
		remove(t, dir, fmt.Sprintf("counter_%d.db", pid))
	}
	container(100)
	wantSamples(t, m, map[string]float64{"walks_total": 333})
	// The hook had been told, and the pids come again.
	for pid := 7; pid <= 9; pid++ {
		rename(t, dir, fmt.Sprintf("counter_%d.db", pid), retired("counter", pid))
	}
	container(1000)
	wantSamples(t, m, map[string]float64{"walks_total": 3333})
	if read, final := ownMetric(t, m, "files", "state", "read"), ownMetric(t, m, "files", "state", "final"); read != 3 || final != 3 {
		t.Errorf("%v files are read and %v final, want 3 and 3", read, final)
	}
}
