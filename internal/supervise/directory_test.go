package supervise

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// cleaned notes which directories were cleaned, and fails as often as it is told to.
type cleaned struct {
	mu    sync.Mutex
	dirs  []string
	fails int
}

func (c *cleaned) clean(dir string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails > 0 {
		c.fails--
		return errors.New("the disk is full")
	}
	c.dirs = append(c.dirs, filepath.Base(dir))
	return nil
}

func (c *cleaned) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.dirs)
}

func withDirectory(t *testing.T, c *cleaned) Options {
	opts := workerOptions(t, "serve")
	root := t.TempDir()
	opts.Env = append(opts.Env, "COUNTS_DIR=elsewhere")
	opts.Metrics = Directory{Variable: "COUNTS_DIR", Of: func(replica string) string { return filepath.Join(root, replica) }, Clean: c.clean}
	return opts
}

func TestAReplicasDirectoryIsCleanedBeforeItsFirstProcessAndAfterItsLast(t *testing.T) {
	c := &cleaned{}
	opts := withDirectory(t, c)
	opts.Replicas = 2
	service := run(t, opts)
	snapshot := service.untilReady(2)
	if got := c.list(); !slices.Equal(got, []string{"clicks-0", "clicks-1"}) {
		t.Errorf("cleaned are %v", got)
	}
	if dir := snapshot.Replicas[1].MetricsDir; filepath.Base(dir) != "clicks-1" {
		t.Errorf("the metrics of clicks-1 are in %s", dir)
	}

	// A worker that is replaced finds what its siblings have written.
	killed := snapshot.Replicas[0].Workers[0].PID
	if err := service.Kill(killed); err != nil {
		t.Fatal(err)
	}
	service.until("it is replaced", func(s Snapshot) bool {
		w := s.Replicas[0].Workers[0]
		return w.State == Ready && w.PID != killed
	})
	if got := c.list(); len(got) != 2 {
		t.Errorf("cleaned are %v", got)
	}
	service.Scale(1)
	service.untilReady(1)
	if got := c.list(); !slices.Equal(got[2:], []string{"clicks-1"}) {
		t.Errorf("after one was scaled away, cleaned are %v", got)
	}
	service.stop()
	if got := c.list(); !slices.Equal(got[3:], []string{"clicks-0"}) {
		t.Errorf("after the end, cleaned are %v", got)
	}
}

func TestWorkersAreToldTheDirectoryOfTheirReplica(t *testing.T) {
	service := run(t, withDirectory(t, &cleaned{}))
	dir := service.untilReady(1).Replicas[0].MetricsDir
	response, err := newClient(t).Get(service.url("/environment"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(string(body), "\n"); !slices.Contains(got, "COUNTS_DIR="+dir) || slices.Contains(got, "COUNTS_DIR=elsewhere") {
		t.Errorf("the environment is\n%s", body)
	}
}

func TestNothingIsStartedInADirectoryThatCannotBeCleaned(t *testing.T) {
	c := &cleaned{fails: 1}
	opts := withDirectory(t, c)
	opts.Workers = 1
	service := run(t, opts)
	service.until("it says why", func(s Snapshot) bool {
		return len(s.Replicas) == 1 && strings.Contains(s.Replicas[0].Workers[0].Reason, "metrics directory: the disk is full")
	})
	service.untilReady(1)
	if got := c.list(); len(got) != 1 {
		t.Errorf("cleaned are %v", got)
	}
}

func TestAReplicaHasItsProcessesWhileTheyRun(t *testing.T) {
	service := run(t, withDirectory(t, &cleaned{}))
	replica := service.untilReady(1).Replicas[0]
	if pid := replica.Workers[0].PID; !replica.Has(pid) {
		t.Errorf("%d is not of it", pid)
	}
	for _, pid := range []int{0, -1, 1} {
		if replica.Has(pid) {
			t.Errorf("it has process %d", pid)
		}
	}
	service.stop()
	if pid := replica.Workers[0].PID; replica.Has(pid) {
		t.Errorf("%d, which has ended, is of it", pid)
	}
}
