package python

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

// sidecar is the program under test, built once.
var sidecar string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "truecount-python-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		sidecar = filepath.Join(dir, "truecount-sidecar")
		build := exec.Command("go", "build", "-o", sidecar, "../../cmd/truecount-sidecar")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build truecount-sidecar:", err)
			return 1
		}
		return m.Run()
	}())
}

// patience bounds how long a test waits for what must come; it is no expectation of speed.
const patience = 2 * time.Minute

// process is a program that runs beside the test.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	exited   chan struct{} // closed when it has, after which cmd.ProcessState is set
	out, err string        // the files that it writes to
}

// start runs a program until the test ends, in a process group of its own.
func start(t *testing.T, name, dir string, env []string, command ...string) *process {
	t.Helper()
	logs := t.TempDir()
	p := &process{t: t, exited: make(chan struct{}), out: filepath.Join(logs, name+".out"), err: filepath.Join(logs, name+".err")}
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Dir, p.cmd.Env = dir, environment(env)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := os.Create(p.out)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	log, err := os.Create(p.err)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", name, tail(p.read(p.err)))
		}
	})
	return p
}

// environment is the test's own without what would tell a program of other workers.
func environment(add []string) []string {
	all := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains([]string{"PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "DATABASE_URL"}, name) ||
			strings.HasPrefix(name, "METRICS_") || strings.HasPrefix(strings.ToUpper(name), "PROMETHEUS_") ||
			strings.HasPrefix(name, "DB_") || strings.HasPrefix(name, "DJANGO_") || strings.HasPrefix(name, "LISTEN_")
	})
	return append(append(all, "PYTHONDONTWRITEBYTECODE=1"), add...)
}

// stop ends the program in order, and after a while by force with all that it has started.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Errorf("%s did not end", p.cmd.Path)
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // workers that were left, if any
	<-p.exited
}

// wait waits until the program ends by itself and returns its exit code.
func (p *process) wait() int {
	p.t.Helper()
	await.True(p.t, p.cmd.Path+" ends", func() bool {
		select {
		case <-p.exited:
			return true
		default:
			return false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *process) read(file string) string {
	p.t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

func tail(text string) string {
	if len(text) > 4000 {
		return "…" + text[len(text)-4000:]
	}
	return text
}

// workers are the processes that a program has forked and that live: one that has ended and was not waited for is none.
func (p *process) workers() []int {
	p.t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.cmd.Process.Pid))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(string(content)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			p.t.Fatal(err)
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			continue
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// answers says whether a GET is answered by 200.
func answers(url string) bool {
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
