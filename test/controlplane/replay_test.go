package controlplane

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// compareWithReplay lets `truecount replay` decide again what the autoscaler decided since a time, from the exported samples
// and what was recorded, and compares one by one.
//
// The server evaluated the metric at some moment after the autoscaler had asked and before it was answered. Once in a while a sample comes or goes
// just then, so it is decided for both ends: what is more at both, or less, is different.
func compareWithReplay(t *testing.T, c *cluster.Cluster, r *recorder, from time.Time) {
	t.Helper()
	to := time.Now()
	dir := filepath.Join(c.Dir, "history")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	history := filepath.Join(dir, "history.txt")
	// The rate at the first decision looks back two minutes.
	runningPrometheus(t, c).export(t, history, "demo_app_button_clicks_total", from.Add(-3*time.Minute), to)
	asked, answered := r.syncs(t, c.AuditLog(), "default", "clicks", "demo_app_button_clicks_per_second", from, to)
	if least := int(to.Sub(from) / (3 * syncPeriod)); len(asked) < max(least, 20) {
		t.Fatalf("%d decisions were recorded in %v", len(asked), to.Sub(from))
	}
	first := replay(t, history, filepath.Join(dir, "asked.jsonl"), asked)
	second := replay(t, history, filepath.Join(dir, "answered.jsonl"), answered)
	t.Logf("replay: %d and %d of %d decisions as the autoscaler's", first.Same, second.Same, first.Compared)
	for _, a := range []*agreement{first, second} {
		if a.Compared < len(asked)-1 {
			t.Errorf("of %d decisions %d were compared (files: %s)", len(asked), a.Compared, dir)
		}
	}
	for i := range asked {
		d, after := first.differenceAt(asked[i].At), second.differenceAt(answered[i].At)
		if d != nil && after != nil && (d.Ours < d.Theirs) == (after.Ours < after.Theirs) {
			t.Errorf("decision %d of %d is different: %+v and %+v (files: %s)", i, len(asked), *d, *after, dir)
		}
	}
}

// agreement is how the decisions of a replay compare with those that were recorded.
type agreement struct {
	Compared, Same int
	Differences    []difference
}

type difference struct {
	At           time.Time
	Ours, Theirs int
	Reason       string
}

func (a *agreement) differenceAt(at time.Time) *difference {
	for i := range a.Differences {
		if a.Differences[i].At.Equal(at) {
			return &a.Differences[i]
		}
	}
	return nil
}

func replay(t *testing.T, history, syncs string, recorded []syncLine) *agreement {
	t.Helper()
	writeLines(t, syncs, recorded)
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "truecount"), "replay",
		"--hpa", "../../deploy/clicks/kubernetes/hpa.yaml", "--rules", "../../deploy/clicks/helm-values/prometheus-adapter.yaml",
		"--history", history, "--syncs", syncs,
		"--horizontal-pod-autoscaler-downscale-stabilization", stabilization.String(),
		"-o", "json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("truecount replay: %v: %s", err, stderr.String())
	}
	var report struct {
		Scenarios []struct{ Agreement *agreement }
	}
	decode(t, stdout.String(), &report)
	for _, scenario := range report.Scenarios {
		if a := scenario.Agreement; a != nil {
			if a.Same+len(a.Differences) != a.Compared {
				t.Errorf("%d of %d are the same, and %d differences are told", a.Same, a.Compared, len(a.Differences))
			}
			return a
		}
	}
	t.Fatalf("no scenario is compared with what was recorded: %.500s", stdout.String())
	return nil
}
