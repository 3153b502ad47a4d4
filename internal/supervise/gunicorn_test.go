package supervise

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/tool"
)

func gunicorn(t *testing.T) Options {
	t.Helper()
	tool.Need(t, "gunicorn")
	dir, err := filepath.Abs(filepath.Join("testdata", "gunicorn"))
	if err != nil {
		t.Fatal(err)
	}
	opts := workerOptions(t, "")
	opts.Command = []string{"gunicorn", "app:application"}
	opts.Dir, opts.Env = dir, []string{"PYTHONDONTWRITEBYTECODE=1"}
	opts.Manager, opts.Workers = ManagerProgram, 3
	return opts
}

func TestGunicornServesOnTheInheritedSocketAndForksItsOwnWorkers(t *testing.T) {
	service := run(t, gunicorn(t))
	master := service.untilReady(1).Replicas[0].Workers[0].PID
	client := newClient(t)
	pid := answeringPid(t, client, service)
	if group, err := syscall.Getpgid(pid); err != nil || group != master || pid == master {
		t.Errorf("answered by %d of group %d, %v; gunicorn is %d", pid, group, err, master)
	}
	if replica := service.Snapshot().Replicas[0]; !replica.Has(pid) || replica.Has(syscall.Getpid()) {
		t.Errorf("of the replica's processes are %d, which gunicorn started: %v, and this test: %v", pid, replica.Has(pid), replica.Has(syscall.Getpid()))
	}
	await.True(t, "WEB_CONCURRENCY workers", func() bool { return len(childrenOf(t, master)) == 3 })

	// One that gunicorn forked can be killed too, and gunicorn replaces it.
	if err := service.Kill(pid); err != nil {
		t.Error(err)
	}
	await.True(t, "a worker was replaced", func() bool {
		children := childrenOf(t, master)
		return len(children) == 3 && !slices.Contains(children, pid)
	})
	service.stop()
	await.True(t, "gunicorn is gone", func() bool { return !alive(master) && len(childrenOf(t, master)) == 0 })
}

func TestGunicornDrainsWhenItsReplicaIsScaledAway(t *testing.T) {
	opts := gunicorn(t)
	opts.Workers, opts.Replicas = 2, 2
	service := run(t, opts)
	service.untilReady(2)
	client := newClient(t)
	fast := startLoad(t, 4, func() error { return get(client, service.url("/")) })
	slow := startLoad(t, 2, func() error { return get(client, service.url("/slow")) })
	for range 3 {
		before := slow.sent()
		await.True(t, "slow requests are under way", func() bool { return slow.sent() > before })
		service.Scale(1)
		service.untilReady(1)
		service.Scale(2)
		service.untilReady(2)
	}
	for _, l := range []*load{fast, slow} {
		acked, failed := l.end()
		t.Logf("%d requests", acked)
		for _, err := range failed {
			t.Errorf("request failed: %v", err)
		}
	}
	if got := testutil.ToFloat64(service.metrics.exits.WithLabelValues(exitDrained)); got != 3 {
		t.Errorf("%v drained, want 3", got)
	}
}

func TestAKilledGunicornTakesItsWorkersAlongAndIsReplaced(t *testing.T) {
	service := run(t, gunicorn(t))
	master := service.untilReady(1).Replicas[0].Workers[0].PID
	var forked []int
	await.True(t, "gunicorn forks", func() bool { forked = childrenOf(t, master); return len(forked) == 3 })
	if err := service.Kill(master); err != nil {
		t.Fatal(err)
	}
	service.until("another gunicorn", func(s Snapshot) bool {
		w := s.Replicas[0].Workers[0]
		return w.PID != master && w.State == Ready
	})
	for _, pid := range forked {
		await.True(t, "worker "+strconv.Itoa(pid)+" of the killed one ends", func() bool { return !alive(pid) })
	}
}

func get(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
