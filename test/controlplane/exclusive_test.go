package controlplane

import (
	"sync"
	"testing"
	"time"
)

// exclusive guards what the whole cluster shares: which versions of the metrics APIs are registered, whether the adapter and
// its Prometheus run.
var exclusive sync.RWMutex

// alone is for a test that takes something of it away, until its end.
func alone(t *testing.T) {
	exclusive.Lock()
	t.Cleanup(exclusive.Unlock)
}

// together is for one that needs it as it is. The function it returns gives it back; the test's end does otherwise.
func together(t *testing.T) (release func()) {
	exclusive.RLock()
	release = sync.OnceFunc(exclusive.RUnlock)
	t.Cleanup(release)
	return release
}

// patience ends tests that hang. It is longer than the two minutes over which the tutorial's rate looks back.
const patience = 5 * time.Minute

// await returns when ok says so. It asks seldom: the machine has a cluster to run.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(patience), time.NewTicker(250*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}
