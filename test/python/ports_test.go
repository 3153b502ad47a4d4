package python

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/script"
)

const (
	// rounds of the load; in every third of them a worker is killed at the end.
	rounds = 24
	// visitsOfRound are few enough that what a round counts is little beside the whole.
	visitsOfRound = 12
)

// TestB1ThePortRangeLosesNoMoreThanWorkersHadCountedSinceTheyWereRead runs Django with django-prometheus' own range of ports, in rounds. A
// round ends when the sidecar has read every living worker. In a round in which no worker ends nothing is lost; in one in which some end,
// killed or replaced after 50 requests, at most what that round has counted is: these workers hand nothing over.
func TestB1ThePortRangeLosesNoMoreThanWorkersHadCountedSinceTheyWereRead(t *testing.T) {
	t.Parallel()
	s := need(t, programs[0])
	first, err := script.FreeRange(concurrency)
	if err != nil {
		t.Fatal(err)
	}
	server := s.run(t, fmt.Sprintf("METRICS_START_PORT=%d", first))
	_, merged := startSidecar(t, "--ports", fmt.Sprintf("%d-%d", first, first+concurrency-1))
	watchCounters(t, merged)
	visit := s.visitors(t)
	a := newAccount()
	alive, page := settled(t, server, merged)
	before := series{}
	deaths, lossy, most := 0, 0, series{}
	for round := range rounds {
		startLoad(t, s.base, a, visitsOfRound, visit...).finish()
		if round%3 == 0 {
			if pids := server.workers(); len(pids) > 0 {
				_ = syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL)
			}
		}
		still, now := settled(t, server, merged)
		known, _, _, unclear := a.now()
		if unclear != 0 {
			t.Fatalf("%d requests were cut off although nobody was killed with one", unclear)
		}
		ended := len(slices.DeleteFunc(alive, func(pid int) bool { return slices.Contains(still, pid) }))
		if ended > 0 {
			lossy++
		}
		deaths += ended
		for name, total := range known {
			counted, seen := total-before[name], now[name]-page[name]
			switch lost := counted - seen; {
			case lost < 0:
				t.Errorf("round %d: %s rises by %v, and %v were answered", round, name, seen, counted)
			case lost > 0 && ended == 0:
				t.Errorf("round %d: %s lost %v although no worker ended", round, name, lost)
			default:
				most[name] += counted - seen
			}
		}
		alive, page, before = still, now, known
	}
	_, _, answered, _ := a.now()
	if deaths <= rounds/3 || a.known["walks_started_total"] == 0 {
		t.Errorf("%d workers ended, which is not more than were killed", deaths)
	}
	t.Logf("%d requests answered, %d workers ended in %d of %d rounds; walks_started_total lost %v of %v, all in those", answered, deaths, lossy, rounds,
		most["walks_started_total"], a.known["walks_started_total"])
}

// settled waits until the sidecar has read each of the living workers, and returns these and the page.
func settled(t *testing.T, server *process, merged string) (alive []int, page series) {
	t.Helper()
	const read, errors, up = "truecount_merge_reads_total", "truecount_merge_read_errors_total", `truecount_merge_workers{state="up"}`
	failures := func(page series) (n float64) {
		for name, value := range page {
			if strings.HasPrefix(name, errors) {
				n += value
			}
		}
		return n
	}
	await.True(t, "the sidecar has read each living worker", func() bool {
		alive, page = server.workers(), fetch(t, merged)
		begin := page
		if len(alive) != concurrency || page[up] != concurrency {
			return false
		}
		// Two rounds of readings that all succeed: the second one began after this.
		await.True(t, "two more readings of each", func() bool {
			page = fetch(t, merged)
			return page[read] >= begin[read]+2*concurrency || failures(page) > failures(begin)
		})
		return failures(page) == failures(begin) && page[up] == concurrency && slices.Equal(alive, server.workers())
	})
	return alive, page
}

func TestB1AWorkerCountInTwoPlacesIsAnError(t *testing.T) {
	t.Parallel()
	s := need(t, programs[0])
	p := s.begin(t, []string{"METRICS_START_PORT=5001"}, "-w", "6")
	if code := p.wait(); code != 1 || !strings.Contains(p.read(p.err), "Error: 6 workers, and WEB_CONCURRENCY=4 ports for their metrics: leave -w out\n") {
		t.Errorf("exit code %d:\n%s", code, p.read(p.err))
	}
}

func TestB1BothWaysAtOnceAreAnError(t *testing.T) {
	t.Parallel()
	s := need(t, programs[0])
	p := s.begin(t, []string{"METRICS_START_PORT=5001", "PROMETHEUS_MULTIPROC_DIR=" + t.TempDir()})
	if code := p.wait(); code == 0 || !strings.Contains(p.read(p.err), "PROMETHEUS_MULTIPROC_DIR and METRICS_START_PORT are two ways to the same metrics: set one of them.") {
		t.Errorf("exit code %d:\n%s", code, tail(p.read(p.err)))
	}
}

func TestB3WorkersWithoutEitherAreWarnedOf(t *testing.T) {
	t.Parallel()
	for _, program := range []program{programs[0], programs[1]} {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			s := need(t, program)
			p := s.run(t)
			if log := p.read(p.err); !strings.Contains(log, "4 workers, and each has its own metrics: /metrics tells of any one of them. Set PROMETHEUS_MULTIPROC_DIR.") {
				t.Errorf("no warning:\n%s", log)
			}
			if page := fetch(t, s.base+"/metrics"); page["process_start_time_seconds"] == 0 {
				t.Errorf("that is no process's page: %v", page)
			}
		})
	}
}
