package replay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
)

// TestDecisionsAreComparedWithWhatTheControllerAskedFor has ten pods whose load asks for as many replicas as ours says.
func TestDecisionsAreComparedWithWhatTheControllerAskedFor(t *testing.T) {
	type counts struct{ Same, OneSync, Different int }
	for name, c := range map[string]struct {
		ours, theirs []int32
		want         counts
		within       []bool // of each difference
	}{
		"the same":                              {[]int32{12, 15, 15}, []int32{12, 15, 15}, counts{3, 0, 0}, nil},
		"a change a sync later":                 {[]int32{12, 12, 15, 15}, []int32{12, 15, 15, 15}, counts{3, 1, 0}, []bool{true}},
		"a change a sync earlier":               {[]int32{12, 15, 15, 15}, []int32{12, 12, 15, 15}, counts{3, 1, 0}, []bool{true}},
		"a change two syncs later":              {[]int32{12, 12, 12, 15}, []int32{12, 15, 15, 15}, counts{2, 1, 1}, []bool{true, false}},
		"a change two syncs earlier":            {[]int32{12, 15, 15, 15}, []int32{12, 12, 12, 15}, counts{2, 1, 1}, []bool{false, true}},
		"downwards a sync later":                {[]int32{15, 15, 12, 12}, []int32{15, 12, 12, 12}, counts{3, 1, 0}, []bool{true}},
		"on the way":                            {[]int32{12, 14, 18}, []int32{12, 16, 18}, counts{2, 1, 0}, []bool{true}},
		"on the way, as neither was":            {[]int32{12, 17, 18}, []int32{12, 12, 18}, counts{2, 1, 0}, []bool{true}},
		"more than the way's end":               {[]int32{12, 19, 18}, []int32{12, 16, 18}, counts{2, 0, 1}, []bool{false}},
		"less than the way's beginning":         {[]int32{14, 12, 18}, []int32{14, 16, 18}, counts{2, 0, 1}, []bool{false}},
		"for one sync what the controller not":  {[]int32{12, 15, 12}, []int32{12, 12, 12}, counts{2, 0, 1}, []bool{false}},
		"for one sync the controller, not ours": {[]int32{12, 12, 12}, []int32{12, 15, 12}, counts{2, 1, 0}, []bool{true}},
		"at the first sync":                     {[]int32{15, 15}, []int32{12, 15}, counts{1, 1, 0}, []bool{true}},
		"at the last sync":                      {[]int32{12, 12}, []int32{12, 15}, counts{1, 1, 0}, []bool{true}},
	} {
		t.Run(name, func(t *testing.T) {
			var pods []replay.SyncPod
			s := &story{}
			for i := range 10 {
				pods = append(pods, replay.SyncPod{Name: fmt.Sprint("shop-", i), Phase: "Running", Ready: "True"})
				s.every(sync, 5*minute, fmt.Sprintf(`load{pod="shop-%d"}`, i), func(since time.Duration) (float64, bool) {
					return float64(c.ours[min(int(since/sync), len(c.ours)-1)]), true
				})
			}
			o := options(perPod(1, 100, "10"), 5*minute)
			o.Settings = hpa.DefaultSettings()
			o.Settings.DownscaleStabilization = 1
			replicas := int32(10)
			for i := range c.theirs {
				o.Recorded = append(o.Recorded, replay.Sync{At: noon.Add(time.Duration(i) * sync), SpecReplicas: &replicas, Pods: pods, Desired: &c.theirs[i]})
			}
			a := scenario(t, run(t, s.source(t), o), "recorded").Agreement
			var within []bool
			for _, d := range a.Differences {
				within = append(within, d.OneSync)
			}
			if got := (counts{a.Same, a.OneSync, a.Different}); got != c.want || a.Compared != len(c.ours) || !slices.Equal(within, c.within) {
				t.Errorf("got %+v, want %+v: %+v", got, c.want, a)
			}
		})
	}
}
