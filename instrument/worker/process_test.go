package worker

import (
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestNoRequestAndNoCountIsLostByDrains replaces one of two worker processes again and again, under the load of
// clients that never try again, and then compares what was acknowledged with what was handed over.
func TestNoRequestAndNoCountIsLostByDrains(t *testing.T) {
	const clients, drains = 40, 30
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
