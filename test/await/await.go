// Package await is how tests wait for what other processes and goroutines do in their own time: by asking again, with an
// end for what never comes. It measures nothing.
package await

import (
	"testing"
	"time"
)

// patience ends tests that hang; it is no expectation of speed.
const patience = 2 * time.Minute

// True returns when ok says so. What names it for the one who reads that it did not come.
func True(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(patience), time.NewTicker(10*time.Millisecond)
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
