package controlplane

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// compareWithReplay lets `truecount replay` decide again what the autoscaler decided since a time, from the exported samples
// and what was recorded, and compares one by one.
func compareWithReplay(t *testing.T, c *cluster.Cluster, r *recorder, from time.Time) {
	t.Helper()
	to := time.Now()
	dir := filepath.Join(c.Dir, "history")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	history, syncs := filepath.Join(dir, "history.txt"), filepath.Join(dir, "syncs.jsonl")
	// The rate at the first decision looks back two minutes.
	runningPrometheus(t, c).export(t, history, "demo_app_button_clicks_total", from.Add(-3*time.Minute), to)
	recorded := r.syncs(t, c.AuditLog(), "default", "clicks", "demo_app_button_clicks_per_second", from, to)
	if len(recorded) < 50 {
		t.Fatalf("%d decisions were recorded in %v", len(recorded), to.Sub(from))
	}
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
		Scenarios []struct {
			Name      string
			Agreement *struct {
				Compared, Same, Different int
				OneSync                   int `json:"withinOneSync"`
				Differences               json.RawMessage
			}
		}
	}
	decode(t, stdout.String(), &report)
	for _, scenario := range report.Scenarios {
		if a := scenario.Agreement; a != nil {
			t.Logf("replay: %d of %d decisions as the autoscaler's", a.Same, a.Compared)
			if a.Compared < len(recorded)-1 || a.Same != a.Compared {
				t.Errorf("of %d decisions %d were compared: %d the same, %d within one sync, %d different: %s (files: %s)",
					len(recorded), a.Compared, a.Same, a.OneSync, a.Different, a.Differences, dir)
			}
			return
		}
	}
	t.Errorf("no scenario is compared with what was recorded: %.500s", stdout.String())
}
