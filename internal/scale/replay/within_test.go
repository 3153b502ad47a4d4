package replay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// TestARealAutoscalersChangesAreMadeWithinOneSync replays the same history without the controller's syncs: on a grid of the sync
// period, that begins at any tenth of a second of it, with what kube-state-metrics would have recorded or with nothing.
//
// Within one sync means: what is decided at an instant lies between what the controller asked for at its last sync before it and
// what it asked for at its first after it. Where the two are the same it is just that, so no change is made that the controller did
// not make, and each of its changes is made by its next sync. Where it changed, a number on the way is right too: the metric moves
// between two syncs, and of 1 → 3 an instant in between may see the 2.
//
// What is outside of it, and why:
//
//   - Where nothing tells how many replicas there were, the recorded scenario takes those that have samples, and a rate
//     has none until a pod was scraped twice. It is not compared with the controller then. The simulated scenario needs no record.
//   - Where replicas are recorded more rarely than decisions are made, the recorded scenario decides from old ones: as much later
//     as two scrapes are apart. The report counts those decisions as different.
//   - The counters that matter here are older than the rate's window. Of a counter that is seconds old rate() gives more the longer ago
//     the last scrape was, by some percent, and of that another number of replicas may come.
func TestARealAutoscalersChangesAreMadeWithinOneSync(t *testing.T) {
	controller := changesOf(realSyncs(t))
	if len(controller.changes()) < 4 {
		t.Fatalf("the history has become tame: %v", controller.changes())
	}
	for name, c := range map[string]struct {
		record string        // of kube-state-metrics
		late   time.Duration // how much later than within one sync the recorded scenario may be
	}{
		"nothing recorded":             {},
		"recorded every 100 ms":        {record: kubeStateOf(t, 100*time.Millisecond, 0)},
		"recorded every second":        {record: kubeStateOf(t, time.Second, 300*time.Millisecond)},
		"without readiness":            {record: without("kube_pod_status_ready", kubeStateOf(t, time.Second, 300*time.Millisecond))},
		"as often as decided":          {record: kubeStateOf(t, 2*time.Second, 0)},
		"as often, and right after it": {record: kubeStateOf(t, 2*time.Second, 100*time.Millisecond)},
		"more rarely than decided":     {record: kubeStateOf(t, 5*time.Second, 3*time.Second), late: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			source := realHistory(t, c.record)
			for offset := time.Duration(0); offset < 2*time.Second; offset += 100 * time.Millisecond {
				o := asOnTheCluster()
				o.From, o.To = controller[0].at.Add(offset).Truncate(time.Millisecond).Add(time.Millisecond), controller[len(controller)-1].at.Add(o.Sync)
				var simulated asked
				o.Each = func(scenario string, d hpa.Decision) error {
					late := c.late
					if scenario == "simulated" {
						simulated, late = append(simulated, wish{d.At, d.Current, d.Desired}), 0
					} else if c.record == "" {
						return nil
					}
					if least, most := controller.around(d.At, late, 0); d.Desired < least || d.Desired > most {
						t.Errorf("from %s: %s: %d at %s, where the controller asked for %d to %d: %s", offset, scenario, d.Desired,
							d.At.Sub(controller[0].at), least, most, d.Reason())
					}
					return nil
				}
				agreement := scenario(t, run(t, source, o), "recorded").Agreement
				if got, want := simulated.changes(), controller.changes(); !slices.Equal(got, want) {
					t.Errorf("from %s: the changes are %v, the controller's were %v", offset, got, want)
				}
				if (agreement != nil) != (c.record != "") || agreement != nil && (agreement.Different > 0) != (c.late > 0) {
					t.Errorf("from %s: the report says: %+v", offset, agreement)
				}
			}
		})
	}
}
