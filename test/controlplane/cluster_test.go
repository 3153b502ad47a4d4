package controlplane

import (
	"testing"
	"time"
)

// The autoscaler's settings: it decides more often than by default (15 s) and forgets sooner (5 min), so that tests end.
// What an HPA of a test says of itself is left as it is.
const (
	syncPeriod    = 2 * time.Second
	stabilization = 15 * time.Second
)

func TestTheClusterRuns(t *testing.T) {
	t.Parallel()
	c := running(t)
	out, err := c.Kubectl(t.Context(), "get", "nodes", "-o", "name").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, want := string(out), "node/node-1\nnode/node-2\nnode/node-3\n"; got != want {
		t.Errorf("nodes: %q, want %q", got, want)
	}
}
