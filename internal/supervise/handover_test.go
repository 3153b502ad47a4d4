package supervise

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/test/await"
)

func TestListenPidIsTheWorkersOwnProcessId(t *testing.T) {
	service := run(t, workerOptions(t, "serve"))
	w := service.untilReady(1).Replicas[0].Workers
	response, err := newClient(t).Get(service.url("/environment"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	env := string(body)
	if first, second := fmt.Sprintf("LISTEN_PID=%d\n", w[0].PID), fmt.Sprintf("LISTEN_PID=%d\n", w[1].PID); !strings.Contains(env, first) && !strings.Contains(env, second) {
		t.Errorf("neither %s nor %s in\n%s", first, second, env)
	}
	for _, want := range []string{"LISTEN_FDS=1\n", "LISTEN_FDNAMES=http\n", "TRUECOUNT_METRICS_DIR=" + service.Snapshot().Replicas[0].MetricsDir + "\n"} {
		if !strings.Contains(env+"\n", want) {
			t.Errorf("no %s in\n%s", want, env)
		}
	}
}

func TestAProgramThatBindsItsOwnSocketIsHandedNone(t *testing.T) {
	opts := workerOptions(t, "mute")
	opts.Listen, opts.ReadyAfter = "", 1
	service := run(t, opts)
	service.untilReady(1)
	if service.Addr() != nil {
		t.Errorf("address %v", service.Addr())
	}
}

// The parent-death signal belongs to a thread: one that had started a worker and ends would take it along.
func TestWorkersOutliveTheThreadsOfTheirSupervisor(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.Workers = 4
	service := run(t, opts)
	before := service.untilReady(1).Replicas[0].Workers
	for range 10 {
		var group, locked sync.WaitGroup
		locked.Add(32)
		for range 32 {
			group.Go(func() { // its thread ends with it, as it is not unlocked
				runtime.LockOSThread()
				locked.Done()
				locked.Wait()
			})
		}
		group.Wait()
	}
	answeringPid(t, newClient(t), service)
	for i, w := range service.Snapshot().Replicas[0].Workers {
		if w.PID != before[i].PID {
			t.Errorf("worker %d was replaced: %+v", i, w)
		}
	}
}

func TestWhatAWorkerSaidLastIsHeeded(t *testing.T) {
	path := filepath.Join(shortDir(t), "n")
	block := make(chan struct{})
	n, err := listenNotify(path, func() { <-block }) // its reader is busy with the first message
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, message := range []string{"STATUS=starts", "MAINPID=1\nREADY=1\n", "STOPPING=1"} {
		if _, err := conn.Write([]byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan struct{})
	go func() { n.close(); close(closed) }()
	await.True(t, "both messages are heeded", func() bool { return n.ready.Load() && n.stopping.Load() })
	close(block)
	<-closed
}
