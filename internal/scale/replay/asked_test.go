package replay_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/truecount/truecount/internal/scale/replay"
)

// wish is how many replicas an autoscaler asked for at a sync.
type wish struct {
	at       time.Time
	from, to int32
}

// asked is all that one asked for, in the order of time.
type asked []wish

func changesOf(syncs []replay.Sync) (all asked) {
	for _, s := range syncs {
		all = append(all, wish{s.At, *s.SpecReplicas, *s.Desired})
	}
	return all
}

// around returns the least and the most that was asked for from the last sync that is not after early before an instant, to the first
// that is after late after it. It is asked in any order.
func (a asked) around(at time.Time, early, late time.Duration) (least, most int32) {
	first, _ := slices.BinarySearchFunc(a, at.Add(-early), func(w wish, t time.Time) int { return w.at.Compare(t.Add(1)) })
	end, _ := slices.BinarySearchFunc(a, at.Add(late), func(w wish, t time.Time) int { return w.at.Compare(t.Add(1)) })
	span := a[max(0, first-1):min(len(a), end+1)]
	least, most = span[0].to, span[0].to
	for _, w := range span {
		least, most = min(least, w.to), max(most, w.to)
	}
	return least, most
}

// changes writes the changes: "1→3".
func (a asked) changes() (out []string) {
	for _, w := range a {
		if w.from != w.to {
			out = append(out, fmt.Sprintf("%d→%d", w.from, w.to))
		}
	}
	return out
}
