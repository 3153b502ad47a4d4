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
