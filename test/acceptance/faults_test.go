package acceptance

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestCtrlCEndsEverythingAndDataStays(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	c := startUp(t, "--data", data, "--traffic", "0")
	c.click(3)
	eventually(t, patience, func() bool {
		v, found := c.query(`merged:demo_app_button_clicks_total`)
		return found && v == 3
	}, func() string { return "the clicks are not stored" })
	workers := c.workerPIDs()
	stored, _ := c.query(`max_over_time(merged:demo_app_button_clicks_total[10m])`)

	c.stop(syscall.SIGINT)
	if c.exitErr != nil {
		t.Errorf("after Ctrl-C truecount ended with %v", c.exitErr)
	}
	assertGone(t, workers)

	again := startUp(t, "--data", data, "--traffic", "0")
	got, found := again.query(`max_over_time(merged:demo_app_button_clicks_total[10m])`)
	if !found || got != stored {
		t.Errorf("after the restart the database has %v (found %v), want %v", got, found, stored)
	}
}

func TestNothingIsLeftRunningAfterSIGKILL(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	workers := c.workerPIDs()
	if len(workers) < 9 {
		t.Fatalf("only the workers %v run", workers)
	}
	// One that hangs must go as well.
	if err := syscall.Kill(workers[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.stop(syscall.SIGKILL)
	assertGone(t, workers)
}

func TestM19AWorkerThatHangsIsMarkedDownAndTheScrapeAnswers(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	c.click(20)
	eventually(t, patience, func() bool { return c.merged() == 20 }, func() string { return "clicks are missing" })

	stopped := c.application("clicks").Replicas[0].Workers[1].PID
	if err := syscall.Kill(stopped, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(stopped, syscall.SIGCONT) })
	up := func() (bool, string) {
		for _, w := range c.application("clicks").Replicas[0].Workers {
			if w.PID == stopped {
				return w.Up, w.State
			}
		}
		return false, "replaced"
	}
	eventually(t, patience, func() bool { isUp, _ := up(); return !isUp }, func() string { return "the hanging worker is still up" })
	body := string(c.get("/replicas/default/clicks-0/metrics"))
	if !strings.Contains(body, "demo_app_button_clicks_total 20\n") {
		t.Errorf("with a hanging worker the scrape lost clicks:\n%s", grep(body, "demo_app"))
	}
	if err := syscall.Kill(stopped, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, func() bool { isUp, _ := up(); return isUp }, func() string { return "the worker does not come back" })
	if got := c.merged(); got != 20 {
		t.Errorf("after the worker went on the count is %v, want 20", got)
	}
}

func TestASecondUpOnTheSameDataDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	startUp(t, "--data", data, "--traffic", "0")
	stderr, code := runToEnd(t, "up", "--listen", "127.0.0.1:0", "--data", data)
	if code != 1 || !strings.Contains(stderr, "in use") || !strings.Contains(stderr, "hint: ") || !strings.Contains(stderr, data) {
		t.Errorf("exit code %d, message:\n%s", code, stderr)
	}
}

// workerPIDs lists the worker processes of all applications.
func (c *chain) workerPIDs() []int {
	c.t.Helper()
	var pids []int
	for _, name := range demos {
		for _, replica := range c.application(name).Replicas {
			for _, worker := range replica.Workers {
				pids = append(pids, worker.PID)
			}
		}
	}
	return pids
}

// assertGone waits until no process of these ids runs; one that has ended and waits for its parent counts as gone.
func assertGone(t *testing.T, pids []int) {
	t.Helper()
	running := func() (left []int) {
		for _, pid := range pids {
			stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if errors.Is(err, os.ErrNotExist) {
				if syscall.Kill(pid, 0) == nil { // no /proc here
					left = append(left, pid)
				}
				continue
			}
			if i := bytes.LastIndexByte(stat, ')'); i >= 0 && !bytes.HasPrefix(stat[i:], []byte(") Z")) {
				left = append(left, pid)
			}
		}
		return left
	}
	eventually(t, patience, func() bool { return len(running()) == 0 }, func() string { return fmt.Sprint("still running: ", running()) })
}

// runToEnd runs the program until it ends.
func runToEnd(t *testing.T, args ...string) (stderr string, code int) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stderr = &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func grep(text, word string) string {
	var found strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found.WriteString(line)
		}
	}
	return found.String()
}
