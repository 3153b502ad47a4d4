package latency_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// output collects what a process and its children say.
type output struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}

var serving = regexp.MustCompile(`msg=serving .*?pid=(\d+) address=(\S+) metrics=(\S+)`)

// program is latency with two worker processes.
type program struct {
	*exec.Cmd
	t    *testing.T
	dir  string // where the workers' metrics are
	said *output
}

func startProgram(t *testing.T, env ...string) *program {
	t.Helper()
	dir, err := os.MkdirTemp("", "lt") // short enough for unix sockets in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &program{Cmd: exec.Command(os.Args[0]), t: t, dir: dir, said: new(output)}
	p.Env = append(os.Environ(), append(env, asProgram+"=1", "PORT=0", "LOG_LEVEL=info", "WEB_CONCURRENCY=2", "TRUECOUNT_METRICS_DIR="+dir,
		"BREAK_FILE="+filepath.Join(dir, "broken.json"))...)
	p.Stderr = p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Signal(syscall.SIGTERM); p.Wait() })
	return p
}

// workers returns the pids of the workers that have begun to serve, once there are n, and their address.
func (p *program) workers(n int) (pids []string, url string) {
	p.t.Helper()
	p.eventually("workers serve", func() bool {
		pids = nil
		for _, match := range serving.FindAllStringSubmatch(p.said.String(), -1) {
			pids, url = append(pids, match[1]), "http://"+match[2]
		}
		return len(pids) >= n
	})
	return pids, url
}

func (p *program) eventually(what string, holds func() bool) {
	p.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("not seen: %s\n%s", what, p.said)
		}
	}
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}

// ask sends a request and returns what the answer says of the worker and of its state.
func (p *program) ask(method, url string) (worker string, broken bool, status int) {
	p.t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.said)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if found := regexp.MustCompile(`"worker":(\d+)`).FindSubmatch(body); found != nil {
		worker = string(found[1])
	}
	return worker, strings.Contains(string(body), `"failing":true`), response.StatusCode
}

func TestEveryProcessIsBrokenByOneRequestAndRepairedByAnother(t *testing.T) {
	p := startProgram(t, "RESPONSE_TIME_MEDIAN=1ms", "RESPONSE_TIME_P99=1ms", "BROKEN_ERROR_PERCENT=100", "BROKEN_SLOWDOWN=2")
	_, url := p.workers(2)
	// everybody asks until both workers have answered with this status, which each must from its first answer on.
	everybody := func(status int) {
		t.Helper()
		seen := map[string]bool{}
		p.eventually("both workers answer", func() bool {
			worker, broken, got := p.ask("GET", url+"/")
			if got != status || broken != (status == 500) {
				t.Fatalf("worker %s answered %d, broken %v; want %d", worker, got, broken, status)
			}
			seen[worker] = true
			return len(seen) == 2
		})
	}
	everybody(200)
	p.ask("POST", url+"/break")
	everybody(500)
	p.ask("POST", url+"/repair")
	everybody(200)
}

func TestTheUptimeIsOneProcessAndGoesOnInItsSuccessor(t *testing.T) {
	p := startProgram(t)
	workers, _ := p.workers(2)
	// counting waits until the uptime has advanced, and returns whose has; there must be one only.
	counting := func(among []string) (by string) {
		t.Helper()
		p.eventually("a worker counts the uptime", func() bool {
			for _, pid := range among {
				if p.uptime(pid) > 0 {
					by = pid
				}
			}
			return by != ""
		})
		for _, pid := range among {
			if pid != by && p.uptime(pid) > 0 {
				t.Errorf("workers %s and %s both count", by, pid)
			}
		}
		return by
	}
	first := counting(workers)
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	workers, _ = p.workers(3)
	left := slices.DeleteFunc(workers, func(pid string) bool { return pid == first })
	if successor := counting(left); successor != workers[len(left)-1] {
		t.Errorf("worker %s of %v goes on, want the one that took the first's place", successor, left)
	}
	p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("ended with %v:\n%s", err, p.said)
	}
}

// uptime is what one worker has counted; 0 if it does not answer.
func (p *program) uptime(pid string) float64 {
	p.t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.dir, pid+".sock"))
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: time.Minute}
	response, err := client.Get("http://worker/metrics")
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return families["service_uptime_seconds_total"].GetMetric()[0].GetCounter().GetValue()
}
