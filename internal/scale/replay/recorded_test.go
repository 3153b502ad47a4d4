package replay_test

import "testing"

// TestARealAutoscalersDecisionsAreMadeAgain replays what was recorded of kube-controller-manager 1.36 on a cluster: clicks that
// raise the tutorial's Deployment from 1 to 10 replicas and silence that lowers it. test/controlplane records such
// histories, and compares each.
func TestARealAutoscalersDecisionsAreMadeAgain(t *testing.T) {
	syncs := realSyncs(t)
	o := asOnTheCluster()
	o.From, o.To, o.Recorded = syncs[0].At, syncs[len(syncs)-1].At, syncs
	report := run(t, realHistory(t, ""), o)
	agreement := scenario(t, report, "recorded").Agreement
	if agreement == nil || agreement.Compared < len(syncs)-1 || agreement.Same != agreement.Compared {
		t.Fatalf("of %d decisions: %+v", len(syncs), agreement)
	}
	if s := scenario(t, report, "recorded").Summary; s.Most != 10 || s.Ups == 0 || s.Downs == 0 {
		t.Errorf("the history has become tame: %+v", s)
	}
}
