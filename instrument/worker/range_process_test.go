package worker

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// ranged is a real worker process that takes its metrics port from a range, as in a container without a supervisor.
type ranged struct {
	t      *testing.T
	cmd    *exec.Cmd
	said   bytes.Buffer
	exited chan struct{}
}

func startRanged(t *testing.T, start, count int) *ranged {
	t.Helper()
	return startPatient(t, start, count, time.Minute)
}

// startPatient starts a worker that waits so long for an answer from the ports of the range.
func startPatient(t *testing.T, start, count int, patience time.Duration) *ranged {
	t.Helper()
	r := &ranged{t: t, cmd: exec.Command(executable(t)), exited: make(chan struct{})}
	r.cmd.Env = []string{asWorker + "=1", "WORKER_TEST_ADDR=127.0.0.1:0",
		"METRICS_START_PORT=" + strconv.Itoa(start), "WEB_CONCURRENCY=" + strconv.Itoa(count), "WORKER_TEST_PATIENCE=" + patience.String()}
	r.cmd.Stderr = &r.said
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.exited)
		_ = r.cmd.Wait()
	}()
	t.Cleanup(func() { r.kill() })
	return r
}

func (r *ranged) kill() {
	_ = r.cmd.Process.Kill()
	<-r.exited
}

// fails waits until the worker has ended with status 1, and returns what it said.
func (r *ranged) fails() string {
	r.t.Helper()
	select {
	case <-r.exited:
	case <-time.After(30 * time.Second):
		r.t.Fatal("a worker without a port does not exit")
	}
	if status := r.cmd.ProcessState.ExitCode(); status != 1 {
		r.t.Fatalf("a worker without a port exited with %d: %s", status, &r.said)
	}
	return r.said.String()
}

// serves waits until the worker of a port answers, and returns its metrics.
func serves(t *testing.T, port int) string {
	t.Helper()
	var metrics string
	eventually(t, fmt.Sprintf("metrics on port %d", port), func() bool {
		response, body, err := scrape("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "")
		metrics = body
		return err == nil && response.StatusCode == 200
	})
	return metrics
}

// fill starts workers until the range is taken, one after the other.
func fill(t *testing.T, start, count int) []*ranged {
	t.Helper()
	var all []*ranged
	for port := start; port < start+count; port++ {
		all = append(all, startRanged(t, start, count))
		serves(t, port)
	}
	return all
}

// exhaustions adds up what the workers of ports have counted.
func exhaustions(t *testing.T, start, count int) (own, overlapping int) {
	t.Helper()
	for port := start; port < start+count; port++ {
		metrics := serves(t, port)
		for _, kind := range []string{"own", "overlapping"} {
			if !strings.Contains(metrics, exhaustedName+`{range="`+kind+`"} `) {
				t.Fatalf("the worker on port %d exposes no %s of %s:\n%s", port, exhaustedName, kind, metrics)
			}
		}
		own += sample(t, metrics, exhaustedName+`{range="own"}`)
		overlapping += sample(t, metrics, exhaustedName+`{range="overlapping"}`)
	}
	return own, overlapping
}

func wantExhaustions(t *testing.T, start, count, wantOwn, wantOverlapping int) {
	t.Helper()
	if own, overlapping := exhaustions(t, start, count); own != wantOwn || overlapping != wantOverlapping {
		t.Errorf("the workers of ports %d to %d counted %d own and %d overlapping, want %d and %d",
			start, start+count-1, own, overlapping, wantOwn, wantOverlapping)
	}
}

func wantSaid(t *testing.T, said string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("not said: %s\nbut:      %s", w, said)
		}
	}
}

func TestB1ARangeTooSmallByOneIsAnErrorAndCountedByExactlyOneOther(t *testing.T) {
	const count = 3
	start := freePort(t, count)
	fill(t, start, count)
	wantExhaustions(t, start, count, 0, 0) // there from the start, for alerts
	for n := range count {
		info := fmt.Sprintf("%s{port=\"%d\",ports=\"%d-%d\"} 1\n", portInfoName, start+n, start, start+count-1)
		if metrics := serves(t, start+n); !strings.Contains(metrics, info) {
			t.Errorf("missing: %s", info)
		}
	}
	said := startRanged(t, start, count).fails()
	wantSaid(t, said, fmt.Sprintf("ports %d to %d of 127.0.0.1", start, start+count-1), "are all in use: 3 by workers of this range; raise WEB_CONCURRENCY")
	wantExhaustions(t, start, count, 1, 0)
}

func TestB1ARangeTooSmallBySeveralIsCountedOncePerWorkerThatFailed(t *testing.T) {
	const count, tooMany = 2, 4
	start := freePort(t, count)
	fill(t, start, count)
	var failing []*ranged
	for range tooMany {
		failing = append(failing, startRanged(t, start, count))
	}
	for _, r := range failing {
		r.fails()
	}
	wantExhaustions(t, start, count, tooMany, 0)
}

// stranger listens on a port and treats its connections as it likes.
func strangerOn(t *testing.T, port int, treat func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var open []net.Conn
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open = append(open, conn)
			treat(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		for _, conn := range open {
			_ = conn.Close()
		}
	})
}

func TestB1ForeignProgramsInTheRangeAreNamedAndNeverTold(t *testing.T) {
	const count = 5
	start := freePort(t, count)
	var posts atomic.Int64
	answers := func(response string) func(net.Conn) {
		return func(conn net.Conn) {
			request := make([]byte, 4)
			if _, err := conn.Read(request); err == nil && string(request) == "POST" {
				posts.Add(1)
			}
			_, _ = conn.Write([]byte(response))
			_ = conn.Close()
		}
	}
	strangerOn(t, start, func(net.Conn) {}) // never answers
	strangerOn(t, start+1, answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"))
	strangerOn(t, start+2, answers("-ERR wrong number of arguments for 'get' command\r\n"))
	strangerOn(t, start+3, answers("HTTP/1.1 200 OK\r\nTruecount-Worker: pid=1; start=1.000; state=serving\r\nContent-Length: 6\r\n\r\n-1-ten"))
	startRanged(t, start, count) // the one worker that got a port
	serves(t, start+4)

	said := startPatient(t, start, count, 2*time.Second).fails()
	wantSaid(t, said, "1 by workers of this range", fmt.Sprintf("%d, %d, %d, %d by other programs", start, start+1, start+2, start+3),
		"end those programs, or choose another METRICS_START_PORT")
	wantExhaustions(t, start+4, 1, 1, 0)
	if n := posts.Load(); n != 0 {
		t.Errorf("%d programs that are no workers were sent a POST", n)
	}
}

func TestB1ARangeOfForeignProgramsAloneIsStillAnError(t *testing.T) {
	start := freePort(t, 2)
	for port := start; port < start+2; port++ {
		strangerOn(t, port, func(net.Conn) {})
	}
	said := startPatient(t, start, 2, time.Second/4).fails()
	wantSaid(t, said, fmt.Sprintf("are all in use: %d, %d by other programs, or by workers that do not answer; end those programs", start, start+1))
}

func TestB1SiblingsThatHangHoldNobodyUpAndCountNothingLater(t *testing.T) {
	const count = 2
	start := freePort(t, count)
	siblings := fill(t, start, count)
	for _, s := range siblings {
		stopped(t, s.cmd.Process)
	}
	said := startPatient(t, start, count, time.Second/4).fails()
	wantSaid(t, said, fmt.Sprintf("%d, %d by other programs, or by workers that do not answer", start, start+1))
	for _, s := range siblings {
		if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	wantExhaustions(t, start, count, 0, 0)
}

func stopped(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

func TestB1DeadSiblingsLeaveTheirPortsToOthers(t *testing.T) {
	const count = 2
	start := freePort(t, count)
	for _, s := range fill(t, start, count) {
		s.kill()
	}
	fill(t, start, count)
	wantExhaustions(t, start, count, 0, 0)
}

func TestB1OfTwoServicesWhoseRangesOverlapEachCountsItsOwn(t *testing.T) {
	first := freePort(t, 4)
	fill(t, first, 3) // the one service: three ports
	second := first + 1
	startRanged(t, second, 3) // the other: two of these and one more
	serves(t, first+3)

	said := startRanged(t, second, 3).fails()
	wantSaid(t, said, "1 by workers of this range", fmt.Sprintf("%d by a worker of the range %d-%d", second, first, first+2), "give each service a range of its own")
	wantExhaustions(t, first+3, 1, 1, 0)
	wantExhaustions(t, first, 3, 0, 0)
}

func TestB1AServiceWhoseRangeIsWhollyTakenByAnotherIsCountedThere(t *testing.T) {
	first := freePort(t, 3)
	fill(t, first, 3)
	said := startRanged(t, first+1, 2).fails()
	wantSaid(t, said, fmt.Sprintf("%d by a worker of the range %d-%d", first+1, first, first+2), "give each service a range of its own, or choose another METRICS_START_PORT")
	if strings.Contains(said, "raise WEB_CONCURRENCY") {
		t.Errorf("more workers is no help here: %s", said)
	}
	wantExhaustions(t, first, 3, 0, 1)
}
