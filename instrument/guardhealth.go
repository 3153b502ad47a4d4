package instrument

import (
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Values of the label reason.
const (
	failedError   = "error"
	failedPanic   = "panic"
	failedTimeout = "timeout"

	droppedDuplicate    = "duplicate"
	droppedInvalid      = "invalid"
	droppedInconsistent = "inconsistent"
	droppedBudget       = "budget"

	maxDropReasons = 16
)

// health is what is exposed about one collector.
type health struct {
	failing  bool
	failures map[string]int
	dropped  map[string]int
}

func newHealth() health {
	return health{
		failures: map[string]int{failedError: 0, failedPanic: 0, failedTimeout: 0},
		dropped:  map[string]int{droppedDuplicate: 0, droppedInvalid: 0, droppedInconsistent: 0, droppedBudget: 0},
	}
}

// count remembers what became of one scrape, and returns what to expose of it.
func (g *guard) count(res result) (success bool, took time.Duration, h health) {
	g.mu.Lock()
	defer g.mu.Unlock()
	success = res.failure == "" && len(res.dropped) == 0
	if res.failure != "" {
		g.health.failures[res.failure]++
	}
	for reason, n := range res.dropped {
		g.health.dropped[reason] += n
	}
	if g.health.failing == success {
		g.health.failing = !success
		g.log(success, res)
	}
	return success, res.took, health{failures: maps.Clone(g.health.failures), dropped: maps.Clone(g.health.dropped)}
}

// log says once that the collector begins to fail, and once that it works again.
func (g *guard) log(success bool, res result) {
	logger := g.logger.With("collector", g.name)
	if success {
		logger.Info("collector works again")
		return
	}
	dropped := 0
	for _, n := range res.dropped {
		dropped += n
	}
	logger.Warn("collector fails: its metrics are incomplete until it is said to work again",
		"cause", oneLine(res.cause), "exposed", len(res.sent), slog.Int("dropped", dropped))
}

// reasons are sorted, so that a scrape's order does not vary.
func reasons(counts map[string]int) []string { return slices.Sorted(maps.Keys(counts)) }
