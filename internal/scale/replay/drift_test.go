package replay_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
)

// TestAGridIsWithinOneSyncOfSyncsThatDrift compares a grid with a controller that decides as kube-controller-manager does: it waits
// the sync period after each sync, so that its syncs are a little further apart. Windows that the sync period divides, as the
// default ones of 5 minutes and 15 seconds, must not let go at the next sync only.
//
// Within one sync means what it does in TestARealAutoscalersChangesAreMadeWithinOneSync, and beside that as much as the syncs drift
// while a window lasts. The tolerance is zero here: with one, 9 replicas and 10 may both stay, and a grid that misses by seconds how a
// window lets go just before the load rises again keeps the other number until the next change.
func TestAGridIsWithinOneSyncOfSyncsThatDrift(t *testing.T) {
	const long, drift = 2 * time.Hour, 40 * time.Millisecond
	const slack = 20 * drift // that many syncs are the longest window
	for name, change := range map[string]string{
		"as by default":               "",
		"a window of its own":         "down.window=5m",
		"policies down":               "down=2/60s",
		"policies up":                 "up=4/60s",
		"a window upwards":            "up.window=1m",
		"a window shorter than 5m":    "down.window=1m",
		"policies in both directions": "down=20%/60s,up=50%/30s",
	} {
		t.Run(name, func(t *testing.T) {
			spec := perPod(1, 20, "10")
			if change != "" {
				w, err := replay.ParseWhatIf(change, &spec, nil)
				if err != nil {
					t.Fatal(err)
				}
				spec = w.Spec
			}
			for seed := range uint64(2) {
				random := rand.New(rand.NewPCG(seed, 0))
				source := stairs(random, long).source(t)
				o := options(spec, long-minute)
				o.Settings = hpa.DefaultSettings()
				o.Settings.Tolerance = 0
				o.Replicas = 2
				controller := drifting(t, source, o, random, drift)
				if len(controller.changes()) < 5 {
					t.Fatalf("the load has become tame: %v", controller.changes())
				}
				for offset := time.Duration(0); offset < sync; offset += 3 * time.Second {
					o.From, o.To = noon.Add(offset), controller[len(controller)-1].at
					o.Each = func(scenario string, d hpa.Decision) error {
						least, most := controller.around(d.At, slack, slack)
						if scenario == "simulated" && (d.Desired < least || d.Desired > most) {
							t.Errorf("seed %d, from %s: %d at %s, where the controller asked for %d to %d: %s", seed, offset, d.Desired,
								d.At.Sub(noon), least, most, d.Reason())
						}
						return nil
					}
					run(t, source, o)
				}
			}
		})
	}
}

// stairs is a load on two pods that changes after times between two minutes and a quarter of an hour.
func stairs(random *rand.Rand, long time.Duration) *story {
	var pairs []any
	for at := time.Duration(0); at < long; at += time.Duration(24+random.IntN(160)) * 5 * time.Second {
		pairs = append(pairs, at, 1+random.IntN(60))
	}
	return new(story).
		every(5*time.Second, long, `load{pod="a"}`, steps(pairs...)).
		every(5*time.Second, long, `load{pod="b"}`, steps(pairs...))
}

// drifting is what a controller asks for that is in charge and whose syncs are up to drift further apart than the sync period.
func drifting(t *testing.T, source replay.Source, o replay.Options, random *rand.Rand, drift time.Duration) (all asked) {
	replicas := int32(2)
	pods := []replay.SyncPod{{Name: "a", Phase: "Running", Ready: "True"}, {Name: "b", Phase: "Running", Ready: "True"}}
	for at := o.From; at.Before(o.To); at = at.Add(sync + drift - time.Duration(random.Int64N(int64(drift)))) {
		o.Recorded = append(o.Recorded, replay.Sync{At: at, SpecReplicas: &replicas, Pods: pods})
	}
	o.Each = func(scenario string, d hpa.Decision) error {
		if scenario == "simulated" {
			all = append(all, wish{d.At, d.Current, d.Desired})
		}
		return nil
	}
	run(t, source, o)
	return all
}

// Syncs that were recorded are taken as they are: a recommendation just as old as the window holds, as in the controller.
func TestRecordedSyncsKeepTheWindowsEdge(t *testing.T) {
	s := &story{}
	for _, pod := range []string{"a", "b"} {
		s.every(sync, 12*minute, `load{pod="`+pod+`"}`, steps(0*minute, 30, 5*minute, 10))
	}
	o := options(perPod(1, 10, "10"), 12*minute)
	grid := decisions(t, s, o, "recorded")
	replicas := int32(2)
	for at := o.From; !at.After(o.To); at = at.Add(sync) {
		o.Recorded = append(o.Recorded, replay.Sync{At: at, SpecReplicas: &replicas,
			Pods: []replay.SyncPod{{Name: "a", Phase: "Running", Ready: "True"}, {Name: "b", Phase: "Running", Ready: "True"}}})
	}
	recorded := decisions(t, s, o, "recorded")
	// Six were recommended until 4m45s, and two since.
	for name, c := range map[string]struct {
		all  []hpa.Decision
		last time.Duration // that holds
	}{"grid": {grid, 9*minute + 30*time.Second}, "recorded": {recorded, 9*minute + 45*time.Second}} {
		for _, d := range c.all {
			if holds := d.Desired > 2; holds != (d.At.Sub(noon) <= c.last) {
				t.Errorf("%s: %d at %s: %s", name, d.Desired, d.At.Sub(noon), d.Reason())
			}
		}
	}
}
