package python

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

// killings is how many workers are killed while nobody asks anything, and as many while requests are under way.
const killings = 10

// mostVisits bounds the load; it ends with the killings.
const mostVisits = 50_000

// TestB2NothingAcknowledgedIsLostThroughTheDirectory puts load on real programs while their workers are replaced every 50 requests and others
// are killed. What the sidecar makes of the multiprocess directory, and what the client itself makes of it, is held against what was answered:
// equal as long as each request was answered, and within the requests that were cut off when workers die in the midst of one. All
// the while no counter of the sidecar falls.
func TestB2NothingAcknowledgedIsLostThroughTheDirectory(t *testing.T) {
	for _, program := range programs {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			s := need(t, program)
			dir := filepath.Join(t.TempDir(), "metrics")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			server := s.run(t, "PROMETHEUS_MULTIPROC_DIR="+dir)
			_, merged := startSidecar(t, "--python-dir", dir)
			watch := watchCounters(t, merged)

			// From one killing to the next there are enough requests that others reach their 50.
			between := int64(100)
			if s.example == "django" {
				between = 30
			}
			killed := map[int]bool{}
			a := newAccount()
			l := startLoad(t, s.base, a, mostVisits, s.visitors(t)...)
			for range killings {
				l.proceed(between)
				for gone := true; gone; {
					victim := counting(t, server, dir, killed)
					l.pause(func() { gone = !kill(victim, killed) })
				}
			}
			l.pause(func() {
				atRest(t, s, server, dir, merged, a)
				if _, _, _, unclear := a.now(); unclear != 0 {
					t.Errorf("%d requests were cut off although nobody was killed with one", unclear)
				}
			})

			for range killings {
				l.proceed(between)
				for !kill(counting(t, server, dir, killed), killed) { // it has ended by itself
				}
			}
			ended := func() int { return len(retired(t, dir)) }
			await.True(t, "some workers were replaced in order", func() bool { return ended() >= len(killed)+2 })
			l.stop()
			atRest(t, s, server, dir, merged, a)

			_, _, answered, unclear := a.now()
			t.Logf("%d requests answered, %d cut off, %d workers killed, %d replaced in order; %d pages of the sidecar had no counter that fell",
				answered, unclear, 2*killings, ended()-2*killings, watch.end())
		})
	}
}

// counting waits for workers that have counted something and chooses one.
func counting(t *testing.T, server *process, dir string, killed map[int]bool) (pid int) {
	t.Helper()
	await.True(t, "there is a worker to kill", func() bool {
		writers := pids(t, dir)
		workers := slices.DeleteFunc(server.workers(), func(pid int) bool { return killed[pid] || !slices.Contains(writers, pid) })
		if len(workers) > 0 {
			pid = workers[rand.IntN(len(workers))]
		}
		return pid != 0
	})
	return pid
}

// kill ends a process at once, and tells whether there was one.
func kill(pid int, killed map[int]bool) bool {
	killed[pid] = syscall.Kill(pid, syscall.SIGKILL) == nil
	return killed[pid]
}

// atRest holds both pages against the account, and against one another, once the server has done its part for those that ended.
func atRest(t *testing.T, s *setup, server *process, dir, merged string, a *account) {
	t.Helper()
	await.True(t, "every file is a living worker's, or retired", func() bool {
		living := append(server.workers(), server.cmd.Process.Pid)
		return len(living) == concurrency+1 && !slices.ContainsFunc(pids(t, dir), func(pid int) bool { return !slices.Contains(living, pid) })
	})
	own := clientsOwn(t, s.interpreter, dir)
	a.check(t, "prometheus_client", own)
	page := fetch(t, merged)
	a.check(t, "the sidecar", page)

	// Sample for sample, without what the sidecar says of itself.
	maps.DeleteFunc(page, func(name string, _ float64) bool { return strings.HasPrefix(name, "truecount_merge_") })
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if got, there := page[name]; !there || got != own[name] {
			t.Errorf("%s: the sidecar has %v (%v), prometheus_client %v", name, got, there, own[name])
		}
		delete(page, name)
	}
	for name, value := range page {
		t.Errorf("the sidecar alone has %s %v", name, value)
	}
	if s.example == "flask" && own["demo_app_requests_in_progress"] != 0 {
		t.Errorf("%v requests are in progress at rest: a killed worker's live gauge is still there", own["demo_app_requests_in_progress"])
	}
}

var file = regexp.MustCompile(`^(?:counter|histogram|summary|gauge_[a-z]+)_(\d+)(\.retired-\d+)?\.db$`)

// pids are those that files are written by, or were, if nobody has retired them.
func pids(t *testing.T, dir string) (pids []int) {
	t.Helper()
	for _, parts := range files(t, dir) {
		if parts[2] == "" {
			pid, err := strconv.Atoi(parts[1])
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// retired are the processes that have ended, by pid and time.
func retired(t *testing.T, dir string) map[string]bool {
	t.Helper()
	ended := map[string]bool{}
	for _, parts := range files(t, dir) {
		if parts[2] != "" {
			ended[parts[1]+parts[2]] = true
		}
	}
	return ended
}

func files(t *testing.T, dir string) (all [][]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if parts := file.FindStringSubmatch(entry.Name()); parts != nil {
			all = append(all, parts)
		} else if !regexp.MustCompile(`^worker_\d+\.(pid|new)$`).MatchString(entry.Name()) {
			t.Errorf("nobody expects the file %s", entry.Name())
		}
	}
	return all
}

// watcher asks again and again.
type watcher struct {
	cancel context.CancelFunc
	over   chan struct{}
	pages  atomic.Int64
}

// watchCounters asks for a page until the test ends and fails it if a counter falls or goes.
func watchCounters(t *testing.T, url string) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{cancel: cancel, over: make(chan struct{})}
	t.Cleanup(func() { w.end() })
	go func() {
		defer close(w.over)
		last := series{}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			page, err := scrape(url)
			if err != nil {
				t.Errorf("a scrape fails: %v", err)
				return
			}
			for name, before := range last {
				if now, there := page[name]; !there || now < before {
					t.Errorf("%s falls from %v to %v (%v)", name, before, now, there)
				}
			}
			last = page
			maps.DeleteFunc(last, func(name string, _ float64) bool {
				base, _, _ := strings.Cut(name, "{")
				return strings.HasPrefix(name, "truecount_merge_") || !strings.HasSuffix(base, "_total") && !strings.HasSuffix(base, "_count") && !strings.HasSuffix(base, "_bucket")
			})
			w.pages.Add(1)
		}
	}()
	return w
}

// end returns how many pages were seen.
func (w *watcher) end() int64 {
	w.cancel()
	<-w.over
	return w.pages.Load()
}
