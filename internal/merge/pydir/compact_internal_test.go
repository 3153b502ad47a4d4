package pydir

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// These tests run processes of the test binary itself: workers that count, and merges that are killed.
const (
	childRole  = "PYDIR_TEST_ROLE"
	childDir   = "PYDIR_TEST_DIR"
	childState = "PYDIR_TEST_STATE"
	childStep  = "PYDIR_TEST_STEP"
)

// TestChildProcess is not a test but what the processes that tests start run.
func TestChildProcess(t *testing.T) {
	switch os.Getenv(childRole) {
	case "worker":
		childWorker(t)
	case "merge":
		childMerge(t)
	}
}

// childWorker counts one for each line of standard input, and answers when it has counted.
func childWorker(t *testing.T) {
	w := pydirtest.NewWorker(os.Getenv(childDir), strconv.Itoa(os.Getpid()), pydirtest.Since018)
	c := w.Counter("walks_started", "Walks.")
	live := w.Gauge("livesum", "walks_in_progress", "Walks.")
	live.Set(1)
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		c.Add(1)
		fmt.Println("counted")
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
}

// childMerge makes one reading after the other, compaction and all, and kills itself at the step it is told.
func childMerge(t *testing.T) {
	m, err := New(Options{Dir: os.Getenv(childDir), State: os.Getenv(childState), SharedPIDs: true, Compact: true})
	if err != nil {
		t.Fatal(err)
	}
	name, at, _ := strings.Cut(os.Getenv(childStep), ":")
	left, _ := strconv.Atoi(at)
	m.atStep = func(s step) {
		if string(s) == name {
			if left--; left < 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
	for range 6 {
		if err := m.Read(context.Background()); err != nil {
			t.Fatal(err)
		}
		m.compact()
		m.keep(false)
	}
	m.Close()
}

// process is a process of the test binary.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     *os.File
	out    *bufio.Reader
	waited bool
}

func start(t *testing.T, role string, environment ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestChildProcess$", "-test.v=false")}
	p.cmd.Env = append(os.Environ(), append(environment, childRole+"="+role)...)
	p.cmd.Stderr = os.Stderr
	reads, writes, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdin, p.in, p.out = reads, writes, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = reads.Close()
	t.Cleanup(p.kill)
	return p
}

func worker(t *testing.T, dir string) *process {
	t.Helper()
	p := start(t, "worker", childDir+"="+dir)
	p.expect("ready")
	return p
}

func (p *process) expect(line string) {
	p.t.Helper()
	if got, err := p.out.ReadString('\n'); strings.TrimSpace(got) != line {
		p.t.Fatalf("the process says %q (%v), want %q", got, err, line)
	}
}

// count has a worker count n, and returns when it has.
func (p *process) count(n int) {
	p.t.Helper()
	for range n {
		if _, err := p.in.WriteString("\n"); err != nil {
			p.t.Fatal(err)
		}
		p.expect("counted")
	}
}

// kill ends the process by SIGKILL and waits until nothing of it is left.
func (p *process) kill() {
	if p.waited {
		return
	}
	p.waited = true
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.in.Close()
}

// sample is what a merge serves of a metric; NaN if nothing.
func sample(t *testing.T, m *Merger, name string) float64 {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for line := range strings.Lines(w.Body.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return math.NaN()
}

func wantSample(t *testing.T, m *Merger, name string, want float64) {
	t.Helper()
	if got := sample(t, m, name); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Fatalf("%s is %v, want %v", name, got, want)
	}
}

func open(t *testing.T, o Options) *Merger {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func TestLiveGaugesOfAProcessThatIsGoneLeave(t *testing.T) {
	dir := t.TempDir()
	m := open(t, Options{Dir: dir, SharedPIDs: true})
	first, second := worker(t, dir), worker(t, dir)
	first.count(3)
	wantSample(t, m, "walks_in_progress", 2)
	first.kill()
	wantSample(t, m, "walks_in_progress", 1)
	wantSample(t, m, "walks_started_total", 3)
	wantSample(t, m, `truecount_merge_files{state="final"}`, 2)
	second.count(2)
	wantSample(t, m, "walks_started_total", 5)
}

// TestNobodyIsTakenForDeadWhereNoWorkerWasSeen: in another pid namespace no pid of a worker exists.
func TestNobodyIsTakenForDeadWhereNoWorkerWasSeen(t *testing.T) {
	dir := t.TempDir()
	w := pydirtest.NewWorker(dir, strconv.Itoa(gonePID(t)), pydirtest.Since018)
	c := w.Counter("walks_started", "Walks.")
	w.Gauge("livesum", "walks_in_progress", "Walks.").Set(1)
	c.Add(1)
	m := open(t, Options{Dir: dir, SharedPIDs: true, Compact: true, State: filepath.Join(t.TempDir(), "state")})
	for i := range 5 {
		wantSample(t, m, "walks_started_total", float64(1+i))
		wantSample(t, m, "walks_in_progress", 1)
		m.compact()
		c.Add(1)
	}
}

// gonePID is a pid that nobody has.
func gonePID(t *testing.T) int {
	t.Helper()
	p := start(t, "")
	pid := p.cmd.Process.Pid
	p.kill()
	return pid
}

func TestM7AFileThatAnotherProcessOfItsPidContinuesIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	other := worker(t, dir) // shows that the namespace is shared
	defer other.kill()
	pid := gonePID(t)
	w := pydirtest.NewWorker(dir, strconv.Itoa(pid), pydirtest.Since018)
	w.Counter("walks_started", "Walks.").Add(5)
	_ = w.Close()
	m := open(t, Options{Dir: dir, SharedPIDs: true})
	wantSample(t, m, "walks_started_total", 5)
	wantSample(t, m, `truecount_merge_files{state="final"}`, 1)
	// A process that had the pid again has come, counted and gone, all between two readings. A few readings later it is
	// in the total: files that are taken for final for their pid's sake are read again by turns.
	w = pydirtest.NewWorker(dir, strconv.Itoa(pid), pydirtest.Since018)
	w.Counter("walks_started", "Walks.").Add(2)
	_ = w.Close()
	for range 20 {
		if err := m.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantSample(t, m, "walks_started_total", 7)
}

func TestFilesOfDeadWorkersAreDeletedWhenTheirCountsAreSafe(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "state")
	m := open(t, Options{Dir: dir, SharedPIDs: true, Compact: true, State: file})
	alive := worker(t, dir)
	alive.count(1)
	total := 1.0
	for range 5 {
		w := worker(t, dir)
		w.count(3)
		total += 3
		wantSample(t, m, "walks_started_total", total)
		w.kill()
		for range 4 {
			m.compact()
			wantSample(t, m, "walks_started_total", total)
		}
		wantFiles(t, dir, alive)
		wantSample(t, m, "walks_in_progress", 1)
	}
	alive.count(1)
	wantSample(t, m, "walks_started_total", total+1)
}

// wantFiles wants that the directory has the files of these workers and no others.
func wantFiles(t *testing.T, dir string, alive ...*process) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		belongs := false
		for _, p := range alive {
			belongs = belongs || strings.Contains(n.Name(), strconv.Itoa(p.cmd.Process.Pid))
		}
		if !belongs {
			t.Errorf("%s is still there", n.Name())
		}
	}
	if len(names) != 2*len(alive) {
		t.Errorf("there are %d files of %d workers", len(names), len(alive))
	}
}

// TestAFileIsNotFinalWhileAProcessHasIt: it was renamed, but the process that has its pid has it open.
func TestAFileIsNotFinalWhileAProcessHasIt(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "state")
	w := worker(t, dir)
	w.count(1)
	m := open(t, Options{Dir: dir, SharedPIDs: true, Compact: true, State: file})
	wantSample(t, m, "walks_started_total", 1)
	pid := strconv.Itoa(w.cmd.Process.Pid)
	if err := os.Rename(filepath.Join(dir, "counter_"+pid+".db"), filepath.Join(dir, "counter_"+pid+".retired-1.db")); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		w.count(1)
		wantSample(t, m, "walks_started_total", float64(2+i))
		m.compact()
	}
	w.kill()
	for range 4 {
		wantSample(t, m, "walks_started_total", 6)
		m.compact()
	}
	wantFiles(t, dir)
}

// TestM9AMergeThatIsKilledAtAnyStepLosesAndAddsNothing kills merges at every step of compaction, where it is made
// several times also at the second and third, while workers count and die. What the next merge serves is what was acknowledged, each time.
func TestM9AMergeThatIsKilledAtAnyStepLosesAndAddsNothing(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "state")
	alive := worker(t, dir)
	alive.count(1)
	acknowledged, killed := 1, map[step]int{}
	for _, s := range []step{stepRenamed, stepRead, stepKept, stepDeleted} {
		for at := range 3 {
			for range 2 { // two workers, of two files each, leave something to do at each step
				w := worker(t, dir)
				n := 1 + rand.IntN(4)
				w.count(n)
				acknowledged += n
				w.kill()
			}
			alive.count(1)
			acknowledged++
			merge := start(t, "merge", childDir+"="+dir, childState+"="+file, fmt.Sprintf("%s=%s:%d", childStep, s, at))
			err := merge.cmd.Wait()
			merge.waited = true
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
				killed[s]++
			} else if err != nil {
				t.Fatal(err)
			}
			m := open(t, Options{Dir: dir, SharedPIDs: true, Compact: true, State: file})
			for range 2 {
				if got := sample(t, m, "walks_started_total"); got != float64(acknowledged) {
					t.Fatalf("after a kill at %s:%d %v are counted, and %d were acknowledged", s, at, got, acknowledged)
				}
				m.compact()
			}
			m.Close()
		}
	}
	if killed[stepRenamed] < 3 || killed[stepRead] < 1 || killed[stepKept] < 1 || killed[stepDeleted] < 3 {
		t.Errorf("merges were killed only so often: %v", killed)
	}
	m := open(t, Options{Dir: dir, SharedPIDs: true, Compact: true, State: file})
	for range 4 {
		wantSample(t, m, "walks_started_total", float64(acknowledged))
		m.compact()
	}
	wantFiles(t, dir, alive)
}
