package prefork_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/prefork"
	"github.com/truecount/truecount/instrument/worker"
)

// asProgram makes the test program a parent with this many children, or one of these children.
const asProgram = "PREFORK_TEST_WORKERS"

// dieAtStart makes every child fail before it serves.
const dieAtStart = "PREFORK_TEST_DIE"

func TestMain(m *testing.M) {
	if workers, _ := strconv.Atoi(os.Getenv(asProgram)); workers > 0 {
		if err := program(workers); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func program(workers int) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if !prefork.IsChild(os.Getenv) {
		return prefork.Run(context.Background(), prefork.Options{Addr: "127.0.0.1:0", Workers: workers, Logger: logger})
	}
	if os.Getenv(dieAtStart) != "" {
		return errors.New("a setting is missing")
	}
	ctx, release, err := prefork.Adopt(context.Background())
	if err != nil {
		return err
	}
	defer release()
	return worker.Run(ctx, worker.Options{Handler: http.HandlerFunc(answerPid), Logger: logger})
}

// answerPid answers with the process' id, after as long as the query asks for.
func answerPid(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.URL.Query().Get("after")); err == nil {
		io.WriteString(os.Stderr, "slow request began\n")
		<-time.After(d)
	}
	fmt.Fprint(w, os.Getpid())
}

// parent is a running parent process.
type parent struct {
	*exec.Cmd
	t     *testing.T
	mu    sync.Mutex
	text  strings.Builder
	ended chan error
}

func start(t *testing.T, workers int, env ...string) *parent {
	t.Helper()
	p := &parent{Cmd: exec.Command(os.Args[0]), t: t, ended: make(chan error, 1)}
	p.Env = append(os.Environ(), append(env, fmt.Sprintf("%s=%d", asProgram, workers))...)
	out, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	// The pipe ends when the last process that has it, parent or child, has ended.
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.mu.Lock()
			p.text.WriteString(scanner.Text() + "\n")
			p.mu.Unlock()
		}
		p.ended <- p.Wait()
	}()
	t.Cleanup(func() {
		p.Process.Signal(syscall.SIGKILL)
		<-p.ended
	})
	return p
}

func (p *parent) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// end waits for the parent and all of its children.
func (p *parent) end() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(time.Minute):
		p.t.Fatalf("somebody does not end:\n%s", p.output())
		return nil
	}
}

var serving = regexp.MustCompile(`msg=serving .*?pid=(\d+) address=(\S+)`)

// serving returns the pids of the children that began to serve, once there are n, and their address.
func (p *parent) serving(n int) (pids []string, url string) {
	p.t.Helper()
	p.eventually(func() bool {
		pids = nil
		for _, match := range serving.FindAllStringSubmatch(p.output(), -1) {
			pids, url = append(pids, match[1]), "http://"+match[2]
		}
		return len(pids) >= n
	})
	return pids, url
}

func (p *parent) eventually(check func() bool) {
	p.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !check() {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("it does not happen:\n%s", p.output())
		}
	}
}

func get(url string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

func TestSeveralProcessesAnswerOnOneAddress(t *testing.T) {
	p := start(t, 3)
	_, url := p.serving(3)
	seen := map[string]bool{}
	p.eventually(func() bool {
		pid, err := get(url)
		if err != nil {
			t.Fatal(err)
		}
		seen[pid] = true
		return len(seen) > 1
	})
}

func TestAKilledChildIsReplacedWhileTheOthersAnswer(t *testing.T) {
	p := start(t, 2)
	pids, url := p.serving(2)
	for range 5 {
		victim, _ := strconv.Atoi(pids[len(pids)-1])
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.eventually(func() bool { // until it is known to be gone, what it had accepted is lost
			return strings.Contains(p.output(), fmt.Sprintf("pid=%d state=\"signal: killed\"", victim))
		})
		for range 20 {
			if _, err := get(url); err != nil {
				t.Error(err)
			}
		}
		pids, url = p.serving(len(pids) + 1)
	}
}

func TestATermSignalDrainsAllChildren(t *testing.T) {
	p := start(t, 2)
	_, url := p.serving(2)
	answered := make(chan error, 1)
	go func() {
		_, err := get(url + "?after=500ms")
		answered <- err
	}()
	p.eventually(func() bool { return strings.Contains(p.output(), "slow request began") })
	p.Process.Signal(syscall.SIGTERM)
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := p.end(); err != nil {
		t.Errorf("ended with %v:\n%s", err, p.output())
	}
}

func TestChildrenEndWhenTheirParentIsKilled(t *testing.T) {
	p := start(t, 3)
	pids, url := p.serving(3)
	p.Process.Kill()
	if err := p.end(); err == nil { // waits for the children's ends of the pipe, too
		t.Error("the parent was killed and ended well")
	}
	for _, pid := range pids {
		n, _ := strconv.Atoi(pid)
		p.eventually(func() bool { return errors.Is(syscall.Kill(n, 0), syscall.ESRCH) || zombie(n) })
	}
	if _, err := get(url); err == nil {
		t.Error("somebody still answers")
	}
}

// zombie reports whether a process has ended and nobody has asked for its result: in a container nobody may.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestChildrenThatFailAtTheirStartEndTheParentWithAnError(t *testing.T) {
	p := start(t, 2, dieAtStart+"=1")
	err := p.end()
	if err == nil || !strings.Contains(p.output(), "ended 3 times at its start") || !strings.Contains(p.output(), "a setting is missing") {
		t.Errorf("%v:\n%s", err, p.output())
	}
}

func TestATakenPortIsAnErrorWithAHint(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = prefork.Run(t.Context(), prefork.Options{Addr: taken.Addr().String(), Workers: 2})
	if err == nil || !strings.Contains(err.Error(), "set PORT to another") {
		t.Errorf("err = %v, want a hint", err)
	}
}

func TestTheEndOfTheContextEndsAllChildren(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	listening := make(chan net.Addr, 1)
	ended := make(chan error, 1)
	t.Setenv(asProgram, "1") // the children are this test program
	go func() {
		ended <- prefork.Run(ctx, prefork.Options{Addr: "127.0.0.1:0", Workers: 2, OnListen: func(a net.Addr) { listening <- a }})
	}()
	url := "http://" + (<-listening).String()
	if _, err := get(url); err != nil { // waits until a child accepts
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := get(url); err == nil {
		t.Error("somebody still answers")
	}
}
