package supervise

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/test/await"
)

func TestM1AKilledWorkerIsReplacedAtOnceWhileTheServiceAnswers(t *testing.T) {
	const kills = 50
	opts := workerOptions(t, "serve")
	opts.Workers = 4
	service := run(t, opts)
	service.untilReady(1)
	client := newClient(t)
	load := startLoad(t, 4, func() error { return post(client, service.url("/count")) })
	for range kills {
		// Always the same place: one that was delayed after a few deaths would show.
		victim := service.Snapshot().Replicas[0].Workers[1]
		if err := service.Kill(victim.PID); err != nil {
			t.Fatal(err)
		}
		snapshot := service.until("another worker in its place", func(s Snapshot) bool {
			w := s.Replicas[0].Workers[1]
			if w.State == Waiting {
				t.Fatalf("the start of a worker that was ready is delayed: %+v", w)
			}
			return w.PID != victim.PID && w.State == Ready
		})
		if w := snapshot.Replicas[0].Workers[1]; w.Failures != 0 || !strings.Contains(w.Reason, "signal 9") {
			t.Fatalf("a killed worker counts as a failed start: %+v", w)
		}
		before := load.sent()
		await.True(t, "requests are answered", func() bool { return load.sent() > before })
	}
	acked, failed := load.end()
	t.Logf("%d requests answered, %d were in workers that were killed", acked, len(failed))
	// A worker holds at most one request of each client.
	if len(failed) > 4*kills {
		t.Errorf("%d requests failed in %d kills", len(failed), kills)
	}
	dir := service.Snapshot().Replicas[0].MetricsDir
	await.True(t, "only living workers have sockets", func() bool { return len(sockets(t, dir)) == 4 })
	service.stop()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestAWorkerThatWasNeverReadyIsStartedAgainWithGrowingDelayAndSaysWhy(t *testing.T) {
	reg := prometheus.NewRegistry()
	opts := workerOptions(t, "fail")
	opts.Workers, opts.Registerer = 1, reg
	service := run(t, opts)
	// The last words are waited for only so long: a busy machine may miss those of one failure.
	const reason = "exit status 3: cannot reach the database"
	snapshot := service.until("two failures, and why", func(s Snapshot) bool {
		if len(s.Replicas) != 1 {
			return false
		}
		w := s.Replicas[0].Workers[0]
		return w.Failures >= 2 && w.State == Waiting && w.Reason == reason
	})
	w := snapshot.Replicas[0].Workers[0]
	if w.PID != 0 || w.RetryAt.IsZero() || snapshot.Replicas[0].Ready {
		t.Errorf("worker %+v in replica %+v", w, snapshot.Replicas[0])
	}
	if got := testutil.ToFloat64(service.metrics.exits.WithLabelValues(exitNeverReady)); got < 2 {
		t.Errorf("%v exits of workers that were never ready", got)
	}
	if got := testutil.ToFloat64(service.metrics.waiting); got != 1 {
		t.Errorf("%v workers wait", got)
	}
}

func TestAProgramThatDoesNotNotifyIsReadyWhenItHasLivedAWhile(t *testing.T) {
	opts := workerOptions(t, "mute")
	opts.ReadyAfter = 100 * time.Millisecond
	service := run(t, opts)
	service.untilReady(1)
}

func TestAProgramThatNotifiesIsWaitedFor(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.ReadyAfter = time.Hour
	service := run(t, opts)
	service.untilReady(1)
}

func TestM19AStoppedWorkerHearsThatItHasToEnd(t *testing.T) {
	service := run(t, workerOptions(t, "serve"))
	pid := service.untilReady(1).Replicas[0].Workers[0].PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	service.stop()
	if alive(pid) {
		t.Error("the stopped worker still runs")
	}
	if got := testutil.ToFloat64(service.metrics.exits.WithLabelValues(exitDrained)); got != 2 {
		t.Errorf("%v workers drained, want 2", got)
	}
}

func TestAWorkerThatDoesNotEndIsKilledAfterTheDrainTimeout(t *testing.T) {
	opts := workerOptions(t, "stubborn")
	opts.Workers, opts.Replicas, opts.DrainTimeout = 1, 2, 300*time.Millisecond
	service := run(t, opts)
	service.untilReady(2)
	service.Scale(1)
	service.until("the replica drains", func(s Snapshot) bool { return len(s.Replicas) == 2 && s.Replicas[1].State == Draining })
	service.untilReady(1)
	if got := testutil.ToFloat64(service.metrics.exits.WithLabelValues(exitDrainTimeout)); got != 1 {
		t.Errorf("%v workers killed at the end of the drain, want 1", got)
	}
}

func TestWhatAKilledWorkerStartedEndsWithIt(t *testing.T) {
	opts := workerOptions(t, "parent")
	dir := t.TempDir()
	opts.Env = append(opts.Env, pidsDir+"="+dir)
	opts.Workers, opts.DrainTimeout = 1, 200*time.Millisecond
	service := run(t, opts)
	pid := service.untilReady(1).Replicas[0].Workers[0].PID
	before := pidsIn(t, dir)
	if len(before) != 2 {
		t.Fatalf("processes %v", before)
	}
	if err := service.Kill(pid); err != nil {
		t.Fatal(err)
	}
	service.until("a new worker", func(s Snapshot) bool {
		w := s.Replicas[0].Workers[0]
		return w.PID != pid && w.State == Ready
	})
	for _, pid := range before {
		await.True(t, "the old worker and its child are gone", func() bool { return !alive(pid) })
	}
}

// pidsIn lists what the parent role noted.
func pidsIn(t *testing.T, dir string) []int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range found {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func TestOnlyOwnWorkersCanBeKilled(t *testing.T) {
	service := run(t, workerOptions(t, "serve"))
	service.untilReady(1)
	guard, found := service.guardPid(t)
	if !found {
		t.Fatal("no guard process")
	}
	for _, pid := range []int{-1, 0, 1, os.Getpid(), guard} {
		if err := service.Kill(pid); err == nil || hint.Of(err) == "" {
			t.Errorf("kill %d: %v", pid, err)
		}
	}
	service.stop()
	if err := service.Kill(os.Getpid()); err == nil || hint.Of(err) == "" {
		t.Errorf("after the end: %v", err)
	}
}

// guardPid finds the guard: the one child of this process that is no worker of the service. There is none while one that
// has ended is replaced.
func (r *runs) guardPid(t *testing.T) (pid int, found bool) {
	t.Helper()
	for _, pid := range childrenOf(t, os.Getpid()) {
		if group, err := syscall.Getpgid(pid); err == nil && group == pid && !hasWorker(r.Snapshot(), pid) {
			return pid, true
		}
	}
	return 0, false
}

func TestAKilledGuardIsReplaced(t *testing.T) {
	service := run(t, workerOptions(t, "serve"))
	service.untilReady(1)
	old, found := service.guardPid(t)
	if !found {
		t.Fatal("no guard process")
	}
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await.True(t, "another guard", func() bool {
		next, found := service.guardPid(t)
		return found && next != old && !alive(old)
	})
	if n := countReady(service.Snapshot()); n != 1 {
		t.Errorf("%d replicas ready", n)
	}
}

func TestZombiesAreCollected(t *testing.T) {
	service := run(t, workerOptions(t, "serve"))
	for _, w := range service.untilReady(1).Replicas[0].Workers {
		if err := service.Kill(w.PID); err != nil {
			t.Fatal(err)
		}
		// A collected process has no entry left at all.
		await.True(t, "no zombie", func() bool { return syscall.Kill(w.PID, 0) == syscall.ESRCH })
	}
}
