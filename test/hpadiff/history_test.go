package hpadiff

import (
	"fmt"
	"math/rand/v2"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// history is all that chance decides; the rest follows.
type history struct {
	seed  uint64
	steps []uint64 // one seed for what happens before each sync
	// local leaves out what `truecount up` does not do: resources of the pods, a spec that changes, samples of pods that
	// do not exist, replicas that are counted wrongly, a new start of the autoscaler alone.
	local bool
	// without are indices of metrics that the spec is to lose; for finding the smallest history that still fails.
	without []int
}

func newHistory(seed uint64, syncs int) history {
	h := history{seed: seed}
	r := rand.New(rand.NewPCG(seed, 1))
	for range syncs {
		h.steps = append(h.steps, r.Uint64())
	}
	return h
}

// scaleToZero says whether the feature gate is on.
func (h history) scaleToZero() bool { return h.seed%2 == 1 }

func (h history) String() string {
	return fmt.Sprintf("history %d with %d syncs and without metrics %v", h.seed, len(h.steps), h.without)
}

// rates are how often something happens, from 0 to 1: per pod and sync, or per metric and sync, or per sync.
type rates struct {
	missing   float64 // a pod has no sample
	unready   float64 // a ready pod turns unready
	crash     float64 // a pod fails or ends
	outage    float64 // a metric's API stops answering for a while
	edge      float64 // a metric is right at its target or at the edge of the tolerance
	jump      float64 // the load is suddenly another
	night     float64 // the load is gone for a while
	extra     float64 // there is a sample of a pod that does not exist
	noRequest float64 // a new pod lacks a request
	byHand    float64 // someone else scales the target
	edit      float64 // someone changes the autoscaler's spec
	restart   float64 // kube-controller-manager starts anew
	miscount  float64 // status.replicas lags
}

// some is how a rate is chosen: often nothing of the kind, so that histories differ in kind, too.
func some(r *rand.Rand, most float64) float64 {
	if r.IntN(3) == 0 {
		return 0
	}
	return most * r.Float64()
}

// world returns the service at the beginning of the history.
func (h history) world(now time.Time) *world {
	r := rand.New(rand.NewPCG(h.seed, 2))
	w := &world{
		local:  h.local,
		period: pick[time.Duration](r, 15, 15, 15, 5, 10, 30, 7) * time.Second,
		settings: hpa.Settings{
			Tolerance:              pick(r, 0.1, 0.1, 0.05, 0.2, 0),
			DownscaleStabilization: pick[time.Duration](r, 300, 300, 60, 45, 15, 0) * time.Second,
			InitialReadinessDelay:  pick[time.Duration](r, 30, 30, 10, 120) * time.Second,
			CPUInitialization:      pick[time.Duration](r, 300, 300, 60, 0) * time.Second,
			ScaleToZero:            h.scaleToZero(),
		},
		rates: rates{
			missing: some(r, 0.4), unready: some(r, 0.15), crash: some(r, 0.04), outage: some(r, 0.12), edge: some(r, 0.5),
			jump: some(r, 0.2), night: some(r, 0.06), extra: some(r, 0.1), noRequest: some(r, 0.01), byHand: some(r, 0.08),
			edit: some(r, 0.1), restart: some(r, 0.05), miscount: some(r, 0.1),
		},
	}
	w.restless = r.IntN(6) == 0
	if w.restless {
		w.rates.edit, w.rates.jump, w.rates.restart = 0.1+0.3*r.Float64(), 0.2+0.5*r.Float64(), 0
	}
	if h.local {
		w.rates.extra, w.rates.edit, w.rates.restart, w.rates.miscount = 0, 0, 0, 0
	}
	w.spec, w.numbers = anySpec(r, h)
	loads := rand.New(rand.NewPCG(h.seed, 5))
	for range w.spec.Metrics {
		w.demand = append(w.demand, float64(1+loads.Int32N(w.spec.MaxReplicas)))
	}
	if m := w.spec.MinReplicas; m != nil && *m == 0 {
		w.rates.night += 0.05
	}
	w.outage = make([]int, len(w.spec.Metrics))
	w.replicas = 1 + r.Int32N(w.spec.MaxReplicas)
	w.observed = w.replicas
	for range w.replicas {
		w.startedPod(r, now)
	}
	return w
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// anySpec returns a spec as someone would write it, that the API server takes, and the metrics' numbers.
func anySpec(r *rand.Rand, h history) (spec *autoscalingv2.HorizontalPodAutoscalerSpec, numbers []int) {
	spec = &autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: service},
	}
	dropped := map[int]bool{}
	for _, i := range h.without {
		dropped[i] = true
	}
	for i := range pick(r, 1, 1, 2, 3, 4) {
		if m := anyMetric(r, i, h.local); !dropped[i] {
			spec.Metrics, numbers = append(spec.Metrics, m), append(numbers, i)
		}
	}
	anyBounds(r, spec, h.scaleToZero())
	if r.IntN(2) == 0 {
		spec.Behavior = anyBehavior(r, false)
	}
	return spec, numbers
}

func anyBounds(r *rand.Rand, spec *autoscalingv2.HorizontalPodAutoscalerSpec, scaleToZero bool) {
	least := 1 + r.Int32N(4)
	if often := r.IntN(4) > 0; often && scaleToZero && outsideThePods(spec) {
		least = 0
	}
	spec.MinReplicas = &least
	if left := r.IntN(3) == 0; left && least == 1 {
		spec.MinReplicas = nil
	}
	spec.MaxReplicas = max(1, least) + pick(r, r.Int32N(5), r.Int32N(12), 5+r.Int32N(25))
}

// outsideThePods says whether a metric has a value without any pod, without which the API server refuses a minimum of 0.
func outsideThePods(spec *autoscalingv2.HorizontalPodAutoscalerSpec) bool {
	for i := range spec.Metrics {
		if t := spec.Metrics[i].Type; t == autoscalingv2.ObjectMetricSourceType || t == autoscalingv2.ExternalMetricSourceType {
			return true
		}
	}
	return false
}
