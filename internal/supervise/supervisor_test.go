package supervise

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/test/await"
)

// supervisorProcess is a supervisor in a process of its own.
type supervisorProcess struct {
	*exec.Cmd
	address string
	output  *bufio.Reader
}

func startSupervisor(t *testing.T, s supervisorSettings) *supervisorProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.Command = []string{self}
	s.RuntimeDir = shortDir(t)
	s.Listen = "127.0.0.1:0"
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"=supervisor", settings+"="+string(encoded))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell starts a job
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	p := &supervisorProcess{Cmd: cmd, output: bufio.NewReader(stdout)}
	for p.address == "" {
		line, err := p.output.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		p.address, _ = strings.CutPrefix(strings.TrimSpace(line), "address ")
	}
	return p
}

func TestNothingIsLeftRunningAfterSIGKILLOfTheSupervisor(t *testing.T) {
	dir := t.TempDir()
	supervisor := startSupervisor(t, supervisorSettings{
		Env: []string{roleVariable + "=parent", pidsDir + "=" + dir}, Replicas: 2, Workers: 2,
	})
	// Four workers, and each one's child, which does not hear SIGTERM.
	await.True(t, "all processes run", func() bool { return len(pidsIn(t, dir)) == 8 })
	all := append(pidsIn(t, dir), childrenOf(t, supervisor.Process.Pid)...) // the guard is one of these
	if len(all) != 8+4+1 {
		t.Errorf("processes %v: want 4 workers, 4 children of them, and the supervisor's 5", all)
	}
	// A stopped worker, and a stopped child of another one, hear no SIGTERM.
	var workers []int
	for _, pid := range childrenOf(t, supervisor.Process.Pid) {
		if slices.Contains(pidsIn(t, dir), pid) {
			workers = append(workers, pid)
		}
	}
	for _, pid := range []int{workers[0], childrenOf(t, workers[1])[0]} {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	for _, pid := range all {
		if !alive(pid) {
			t.Fatalf("process %d is dead already", pid)
		}
	}
	supervisor.Process.Kill()
	supervisor.Wait()
	for _, pid := range all {
		await.True(t, "every process ends", func() bool { return !alive(pid) })
	}
}

func TestCtrlCReachesOnlyTheSupervisorWhichDrains(t *testing.T) {
	supervisor := startSupervisor(t, supervisorSettings{
		Env: []string{roleVariable + "=serve", totalsDir + "=" + t.TempDir()}, Replicas: 1, Workers: 2,
	})
	client := newClient(t)
	response, err := client.Get("http://" + supervisor.address + "/slow")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	// The terminal's Ctrl-C signals the whole foreground group.
	if err := syscall.Kill(-supervisor.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "done" || response.StatusCode != http.StatusOK {
		t.Errorf("the request under way was answered %q, %v", body, err)
	}
	if err := supervisor.Wait(); err != nil {
		t.Errorf("the supervisor ended with: %v", err)
	}
}

func TestEachWorkerLeadsItsOwnProcessGroup(t *testing.T) {
	service := run(t, workerOptions(t, "serve"))
	for _, w := range service.untilReady(1).Replicas[0].Workers {
		if group, err := syscall.Getpgid(w.PID); err != nil || group != w.PID {
			t.Errorf("worker %d is in group %d, %v", w.PID, group, err)
		}
	}
}
