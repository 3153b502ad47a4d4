package supervise

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait; it says that something hangs, never how fast it has to be.
const patience = 60 * time.Second

// shortDir makes a directory whose path leaves room for sockets; t.TempDir's is too long on macOS.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// workerOptions returns options for a service whose workers are this test binary in a role.
func workerOptions(t *testing.T, role string) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Name: "clicks", Command: []string{self},
		// Built for the race detector, a process would sleep for a second before it exits.
		Env:    []string{"GORACE=atexit_sleep_ms=0", roleVariable + "=" + role, totalsDir + "=" + t.TempDir()},
		Listen: "127.0.0.1:0", Workers: 2, Replicas: 1, Metrics: Sockets{}, RuntimeDir: shortDir(t),
		// Who is slow to notify must not count as ready: a busy machine can take seconds to start a process.
		ReadyAfter: time.Hour,
		Output:     &testOutput{t: t},
	}
}

// testOutput shows what workers write if the test fails.
type testOutput struct {
	t  *testing.T
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *testOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *testOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// runs is a Service that runs until the test, or stop, ends it.
type runs struct {
	*Service
	t    *testing.T
	stop func()
}

func run(t *testing.T, opts Options) *runs {
	t.Helper()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			t.Error("the service does not end")
		}
		if out, ok := opts.Output.(*testOutput); ok && t.Failed() {
			t.Logf("the workers' output:\n%s", out)
		}
	})
	t.Cleanup(stop)
	return &runs{Service: s, t: t, stop: stop}
}

// until waits for a snapshot that satisfies ok, and returns it. It looks at changes only: what is not told is not seen.
func (r *runs) until(what string, ok func(Snapshot) bool) Snapshot {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		changed := r.Changed()
		snapshot := r.Snapshot()
		if ok(snapshot) {
			return snapshot
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("gave up waiting: %s; last: %+v", what, snapshot)
		}
	}
}

// untilReady waits until n replicas are ready and no other is left.
func (r *runs) untilReady(n int) Snapshot {
	r.t.Helper()
	return r.until(strconv.Itoa(n)+" replicas ready", func(s Snapshot) bool {
		return len(s.Replicas) == n && countReady(s) == n
	})
}

func countReady(s Snapshot) int {
	n := 0
	for _, r := range s.Replicas {
		if r.Ready {
			n++
		}
	}
	return n
}

func (r *runs) url(path string) string { return "http://" + r.Addr().String() + path }

func names(s Snapshot) string {
	var names []string
	for _, r := range s.Replicas {
		names = append(names, r.Name)
	}
	return strings.Join(names, " ")
}

// newClient returns a client that opens a connection for each request.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// load sends requests from several clients until it is stopped.
type load struct {
	stop   chan struct{}
	group  sync.WaitGroup
	mu     sync.Mutex
	acked  int64
	errors []error
}

func startLoad(t *testing.T, clients int, send func() error) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	for range clients {
		l.group.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				err := send()
				l.mu.Lock()
				if err == nil {
					l.acked++
				} else {
					l.errors = append(l.errors, err)
				}
				l.mu.Unlock()
			}
		})
	}
	return l
}

// end stops the clients and returns how many requests were answered, and the errors of the others.
func (l *load) end() (acked int64, failed []error) {
	close(l.stop)
	l.group.Wait()
	return l.acked, l.errors
}

func (l *load) sent() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// alive says whether a process runs; a zombie that nobody collected does not.
func alive(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	state := strings.TrimSpace(string(out))
	return err == nil && state != "" && !strings.HasPrefix(state, "Z")
}

// childrenOf lists the processes that a process started itself.
func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(fields[0])
			children = append(children, pid)
		}
	}
	return children
}

func sockets(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"+socketSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
