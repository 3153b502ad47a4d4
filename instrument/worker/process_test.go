package worker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// process is a real worker process and what its supervisor knows of it.
type process struct {
	t      *testing.T
	pid    int
	dir    string // of the metrics sockets
	notify *net.UnixConn
	exited chan struct{}
	status syscall.WaitStatus
}

// shim makes LISTEN_PID the worker's own pid, which a parent can't know before it starts it.
const shim = `LISTEN_PID=$$; export LISTEN_PID; exec "$0"`

// start starts a worker on a shared socket by the convention of socket activation. Descriptors are passed raw, as
// os/exec would make the shared socket blocking. It is passed once for each name, http if none is given.
func start(t *testing.T, socket *net.TCPListener, dir string, names ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, exited: make(chan struct{})}
	path := filepath.Join(dir, fmt.Sprintf("n%d", rand.Uint32()))
	var err error
	if p.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.notify.Close() })

	files := []uintptr{0, 1, 2}
	if len(names) == 0 {
		names = []string{"http"}
	}
	env := []string{asWorker + "=1", "NOTIFY_SOCKET=" + path, "TRUECOUNT_METRICS_DIR=" + dir, "PATH=" + os.Getenv("PATH"),
		"LISTEN_FDS=" + strconv.Itoa(len(names)), "LISTEN_FDNAMES=" + strings.Join(names, ":")}
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var forkErr error
	err = raw.Control(func(fd uintptr) {
		for range names {
			files = append(files, fd)
		}
		p.pid, forkErr = syscall.ForkExec("/bin/sh", []string{"sh", "-c", shim, executable(t)}, &syscall.ProcAttr{Files: files, Env: env})
	})
	if err := errors.Join(err, forkErr); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_, _ = syscall.Wait4(p.pid, &p.status, 0, nil)
	}()
	t.Cleanup(func() {
		select {
		case <-p.exited:
		default:
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
			<-p.exited
		}
	})
	return p
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// told waits for the next notification.
func (p *process) told(want string) {
	p.t.Helper()
	buf := make([]byte, 100)
	if err := p.notify.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	n, err := p.notify.Read(buf)
	if err != nil || string(buf[:n]) != want {
		p.t.Fatalf("worker told %q, %v; want %q", buf[:n], err, want)
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.pid, s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) socket() string { return filepath.Join(p.dir, strconv.Itoa(p.pid)+".sock") }

// lastTotals drains the worker and returns the metrics it hands over.
func (p *process) lastTotals() string {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.told("STOPPING=1")
	var last string
	eventually(p.t, "the worker says drained", func() bool {
		response, body, err := scrape("unix", p.socket(), "")
		if err != nil {
			p.t.Fatalf("reading a draining worker: %v", err)
		}
		last = body
		return strings.HasSuffix(response.Header.Get(HeaderWorker), "state=drained")
	})
	p.wait(0)
	return last
}

func (p *process) wait(status int) {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.t.Fatal("worker does not exit")
	}
	if got := p.status.ExitStatus(); got != status {
		p.t.Fatalf("worker exited with %d, want %d", got, status)
	}
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestNoRequestAndNoCountIsLostByDrains replaces one of two worker processes again and again, under the load of
// clients that never try again, and then compares what was acknowledged with what was handed over.
func TestNoRequestAndNoCountIsLostByDrains(t *testing.T) {
	const clients, drains = 40, 50
	socket, dir := listen(t), t.TempDir()

	var acknowledged, failed atomic.Int64
	var load sync.WaitGroup
	stop := make(chan struct{})
	for range clients {
		load.Go(func() {
			c := &client{addr: socket.Addr().String()}
			defer c.close()
			pause := time.NewTimer(0)
			defer pause.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pause.C:
				}
				response, _, err := c.do("POST", "/count", `{"n":1}`)
				switch {
				case err != nil:
					failed.Add(1)
					t.Errorf("request failed: %v", err)
				case response.StatusCode != 200:
					failed.Add(1)
					t.Errorf("request answered %s", response.Status)
				default:
					acknowledged.Add(1)
				}
				pause.Reset(time.Duration(rand.IntN(8000)) * time.Microsecond)
			}
		})
	}

	workers := []*process{start(t, socket, dir), start(t, socket, dir)}
	for _, w := range workers {
		w.told("READY=1")
	}
	var counted, measured int
	add := func(totals string) {
		counted += sample(t, totals, "counted_total")
		measured += sample(t, totals, `http_requests_total{method="POST",route="/count",status="200"}`)
	}
	for i := range drains {
		next := start(t, socket, dir)
		next.told("READY=1")
		add(workers[i%2].lastTotals())
		workers[i%2] = next
	}
	close(stop)
	load.Wait()
	for _, w := range workers {
		add(w.lastTotals())
	}
	if failed.Load() != 0 {
		t.Errorf("%d requests failed", failed.Load())
	}
	if n := int(acknowledged.Load()); counted != n || measured != n || n < drains*clients {
		t.Errorf("%d requests were acknowledged, counted %d, measured %d", n, counted, measured)
	}
	t.Logf("%d requests acknowledged over %d drains", acknowledged.Load(), drains+len(workers))
}

func TestASupervisedWorkerLeavesInterruptToItsSupervisor(t *testing.T) {
	socket := listen(t)
	p := start(t, socket, t.TempDir())
	p.told("READY=1")
	p.signal(syscall.SIGINT)
	c := &client{addr: socket.Addr().String()}
	defer c.close()
	for range 3 {
		if response, _, err := c.do("POST", "/count", ""); err != nil || response.Close {
			t.Fatalf("after SIGINT: %v, connection to be closed: %t", err, response != nil && response.Close)
		}
	}
	c.close()
	p.lastTotals()
}

func TestChildrenOfAWorkerInheritNothingOfIt(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Log("no /proc: only the variables are looked at")
	}
	socket := listen(t)
	p := start(t, socket, t.TempDir(), "other", "http")
	p.told("READY=1")
	c := &client{addr: socket.Addr().String()}
	_, child, err := c.do("GET", "/child", "")
	c.close()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(child, asWorker) {
		t.Errorf("the child tells nothing: %q", child)
	}
	for _, private := range []string{"LISTEN_", "NOTIFY_SOCKET", "socket:["} {
		if strings.Contains(child, private) {
			t.Errorf("a child has %s:\n%s", private, child)
		}
	}
	p.lastTotals()
}

func TestTheSharedSocketStaysNonBlocking(t *testing.T) {
	socket := listen(t)
	blocking := func() bool {
		raw, err := socket.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var flags uintptr
		if err := raw.Control(func(fd uintptr) {
			flags, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		}); err != nil {
			t.Fatal(err)
		}
		return flags&syscall.O_NONBLOCK == 0
	}
	if blocking() {
		t.Fatal("the test's own socket is blocking")
	}
	p := start(t, socket, t.TempDir())
	p.told("READY=1")
	if blocking() {
		t.Error("a worker that took the socket over made it blocking for everyone")
	}
	p.lastTotals()
	if blocking() {
		t.Error("a worker that drained made the socket blocking for everyone")
	}
}

func TestAWorkerInATerminalEndsAtAnInterrupt(t *testing.T) {
	// The environment has a metrics range instead of a supervisor, so nobody is told: its port says that it serves.
	port := freePort(t, 1)
	pid, err := syscall.ForkExec(executable(t), []string{"worker"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Env: []string{
		asWorker + "=1", "WORKER_TEST_ADDR=127.0.0.1:0", "METRICS_START_PORT=" + strconv.Itoa(port)}})
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	eventually(t, "the worker serves metrics", func() bool {
		_, _, err := scrape("tcp", address, "")
		return err == nil
	})
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is drained", func() bool {
		response, _, err := scrape("tcp", address, "")
		return err != nil || strings.HasSuffix(response.Header.Get(HeaderWorker), "drained")
	})
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 0 {
		t.Errorf("worker ended with %v, %d", err, status.ExitStatus())
	}
}

// freePort returns the first of n ports in a row that were free just now.
func freePort(t *testing.T, n int) int {
	t.Helper()
search:
	for range 100 {
		port := 20000 + rand.IntN(10000)
		for p := port; p < port+n; p++ {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
			if err != nil {
				continue search
			}
			_ = l.Close()
		}
		return port
	}
	t.Fatal("no free ports")
	return 0
}
