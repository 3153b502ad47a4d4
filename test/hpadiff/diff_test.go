package hpadiff

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"

	"github.com/truecount/truecount/internal/scale/hpa"
)

var (
	histories = flag.Int("histories", 1000, "how many histories to compare")
	syncs     = flag.Int("syncs", 40, "how many syncs a history has")
	first     = flag.Uint64("first", 1, "the first history's number; the others follow")
	one       = flag.Uint64("history", 0, "compare the history of this number alone")
)

func TestMain(m *testing.M) {
	// A sync that fails is part of many histories. The default handlers print it and wait a millisecond.
	utilruntime.ErrorHandlers = nil
	os.Exit(m.Run())
}

// bothHalves runs f in parallel for many histories, those with the feature gate off first: it is the process's.
func bothHalves(t *testing.T, count int, f func(*testing.T, history)) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprintf("HPAScaleToZero=%t", on), func(t *testing.T) {
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.HPAScaleToZero, on)
			from := *first
			if *one != 0 {
				from, count = *one, 1
			}
			for seed := from; seed < from+uint64(count); seed++ {
				h := newHistory(seed, *syncs)
				if h.scaleToZero() != on {
					continue
				}
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					t.Parallel()
					f(t, h)
				})
			}
		})
	}
}

func TestEveryDecisionIsKubernetes(t *testing.T) {
	var all tally
	started := time.Now()
	bothHalves(t, *histories, func(t *testing.T, h history) {
		if found := h.differs(t, hpa.Decide, &all); found != nil {
			h, found = h.smallest(t, hpa.Decide, found)
			t.Error(found.report(h))
		}
	})
	t.Logf("%d histories, %s, %.1f s", *histories, &all, time.Since(started).Seconds())
	if *one == 0 && *histories >= 500 && !t.Failed() {
		all.complete(t, false)
	}
}

// differs goes through the history up to the first difference.
func (h history) differs(t *testing.T, decide algorithm, all *tally) *difference {
	t.Helper()
	f := &follower{decide: decide}
	h.run(t, func(t *testing.T, step int, o *observation) bool {
		d := f.follow(step, o)
		all.add(o, d)
		return f.found == nil
	})
	return f.found
}
