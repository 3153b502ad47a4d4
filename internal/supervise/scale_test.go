package supervise

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// post counts once, or says why it could not.
func post(client *http.Client, url string) error {
	response, err := client.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}

func TestAHundredScaleUpsAndDownsUnderLoadFailNoRequestAndLoseNoCount(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.MaxReplicas = 4
	service := run(t, opts)
	service.untilReady(1)

	client := newClient(t)
	load := startLoad(t, 8, func() error { return post(client, service.url("/count")) })
	sizes := []int{3, 1, 4, 2}
	for i := range 100 {
		size := sizes[i%len(sizes)]
		service.Scale(size)
		service.untilReady(size)
	}
	acked, failed := load.end()
	service.stop()

	t.Logf("%d requests", acked)
	for _, err := range failed {
		t.Errorf("request failed: %v", err)
	}
	if counted := sumTotals(t, opts); counted != acked {
		t.Errorf("workers counted %d, clients were acknowledged %d", counted, acked)
	}
	if acked == 0 {
		t.Error("no request was made")
	}
}

// sumTotals adds what all serving workers wrote when they ended.
func sumTotals(t *testing.T, opts Options) int64 {
	t.Helper()
	dir := strings.TrimPrefix(opts.Env[len(opts.Env)-1], totalsDir+"=")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		total, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += total
	}
	return sum
}

func TestScalingDownEndsTheHighestOrdinalsAndUpBeginsTheLowestFreeOne(t *testing.T) {
	opts := workerOptions(t, "serve")
	opts.Workers, opts.Replicas = 1, 4
	service := run(t, opts)
	if got := names(service.untilReady(4)); got != "clicks-0 clicks-1 clicks-2 clicks-3" {
		t.Errorf("replicas %s", got)
	}
	service.Scale(2)
	if got := names(service.untilReady(2)); got != "clicks-0 clicks-1" {
		t.Errorf("after scaling down: %s", got)
	}
	service.Scale(3)
	if got := names(service.untilReady(3)); got != "clicks-0 clicks-1 clicks-2" {
		t.Errorf("after scaling up: %s", got)
	}
}

func TestADrainingReplicaKeepsItsNameAndANewOneTakesTheNext(t *testing.T) {
	opts := workerOptions(t, "gated")
	opts.Workers = 1
	service, release := drainingSecondReplica(t, opts)

	service.Scale(2)
	snapshot := service.until("a new replica is ready beside the draining one", func(s Snapshot) bool {
		return len(s.Replicas) == 3 && s.Replicas[2].Ready
	})
	if got := names(snapshot); got != "clicks-0 clicks-1 clicks-2" || snapshot.Replicas[1].State != Draining {
		t.Errorf("replicas %s, clicks-1 %s", got, snapshot.Replicas[1].State)
	}
	release()
	if got := names(service.untilReady(2)); got != "clicks-0 clicks-2" {
		t.Errorf("after the drain: %s", got)
	}
}

func TestWithPortsANewReplicaWaitsForTheNameOfTheDrainingOne(t *testing.T) {
	opts := workerOptions(t, "gated")
	opts.Workers, opts.MaxReplicas, opts.Metrics = 1, 2, Ports{Start: 5001}
	service, release := drainingSecondReplica(t, opts)
	old := service.Snapshot().Replicas[1].Workers[0].PID

	service.Scale(2)
	if snapshot := service.Snapshot(); names(snapshot) != "clicks-0 clicks-1" || snapshot.Desired != 2 {
		t.Errorf("desired %d, replicas %s", snapshot.Desired, names(snapshot))
	}
	release()
	snapshot := service.untilReady(2)
	if second := snapshot.Replicas[1]; second.Name != "clicks-1" || second.MetricsPort != 5002 || second.Workers[0].PID == old {
		t.Errorf("second replica %+v; the old process was %d", second, old)
	}
}

// drainingSecondReplica runs two replicas of one worker and has the second drain until release is called.
func drainingSecondReplica(t *testing.T, opts Options) (service *runs, release func()) {
	t.Helper()
	opts.Replicas = 2
	open := filepath.Join(t.TempDir(), "open")
	opts.Env = append(opts.Env, gate+"="+open)
	service = run(t, opts)
	service.untilReady(2)
	service.Scale(1)
	service.until("the second replica drains", func(s Snapshot) bool { return s.Replicas[1].State == Draining })
	return service, func() {
		if err := os.WriteFile(open, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheSharedSocketStaysNonBlocking(t *testing.T) {
	opts := workerOptions(t, "serve") // its workers check descriptor 3, too
	opts.Workers, opts.Replicas = 5, 4
	service := run(t, opts)
	service.untilReady(4)
	for _, size := range []int{1, 4, 1} {
		service.Scale(size)
		service.untilReady(size)
	}
	var flags uintptr
	err := withDescriptor(service.listener, func(fd uintptr) {
		flags, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
	})
	if err != nil || flags&syscall.O_NONBLOCK == 0 {
		t.Errorf("flags %#x, %v", flags, err)
	}
}

func TestTwoServicesRunSideBySide(t *testing.T) {
	first := run(t, workerOptions(t, "serve"))
	opts := workerOptions(t, "serve")
	opts.Name, opts.RuntimeDir = "dogwalk", first.opts.RuntimeDir
	second := run(t, opts)
	first.untilReady(1)
	second.untilReady(1)
	client := newClient(t)
	for _, service := range []*runs{first, second} {
		pid := answeringPid(t, client, service)
		if !hasWorker(service.Snapshot(), pid) {
			t.Errorf("%s is answered by %d, a worker of another service", service.opts.Name, pid)
		}
	}
	first.stop()
	if pid := answeringPid(t, client, second); !hasWorker(second.Snapshot(), pid) {
		t.Error("the second service does not outlive the first")
	}
}

func answeringPid(t *testing.T, client *http.Client, service *runs) int {
	t.Helper()
	response, err := client.Get(service.url("/pid"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	pid, err := strconv.Atoi(string(body))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func hasWorker(s Snapshot, pid int) bool {
	for _, r := range s.Replicas {
		for _, w := range r.Workers {
			if w.PID == pid {
				return true
			}
		}
	}
	return false
}
