package hpadiff

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// errAway is what every metrics API says while it does not answer.
var errAway = errors.New("the metrics API is away")

// measured is what one metric's API would say.
type measured struct {
	away bool
	at   time.Time
	pods []sample // of a Pods metric
	all  []int64  // the value of an Object metric, the series of an External one
}

// sample is a pod's value in thousandths.
type sample struct {
	pod   string
	milli int64
	at    time.Time
}

// usage is what the resource metrics API would say, of all pods and containers at once.
type usage struct {
	away bool
	pods []podUsage
}

type podUsage struct {
	pod        string
	at         time.Time
	window     time.Duration
	containers []map[corev1.ResourceName]int64 // in thousandths, in the order of the containers
}

// measure lets the load go on and reads every metric.
func (w *world) measure(seed uint64, now time.Time) {
	w.measured = make([]measured, len(w.spec.Metrics))
	var resources []int
	for i := range w.spec.Metrics {
		// Each metric's own chance: what happens to one does not depend on the others, so that a history is still the same
		// history with fewer of them.
		r := rand.New(rand.NewPCG(seed, 100+uint64(w.numbers[i])))
		w.walk(r, i)
		m := &w.measured[i]
		m.away, m.at = w.outage[i] > 0, ago(r, now, 60).Time
		switch spec := &w.spec.Metrics[i]; spec.Type {
		case autoscalingv2.PodsMetricSourceType:
			m.pods = w.samples(r, i, spec.Pods.Target.AverageValue.MilliValue(), now)
		case autoscalingv2.ObjectMetricSourceType:
			m.all = []int64{w.whole(r, i, spec.Object.Target)}
		case autoscalingv2.ExternalMetricSourceType:
			m.all = split(r, w.whole(r, i, spec.External.Target))
		default:
			resources = append(resources, i)
		}
	}
	if len(resources) > 0 {
		w.used(rand.New(rand.NewPCG(seed, 4)), resources, now)
	}
}

// walk changes a metric's load, and now and then takes its API away.
func (w *world) walk(r *rand.Rand, i int) {
	w.demand[i] *= math.Exp(r.NormFloat64() / 5)
	most := 1.4 * float64(w.spec.MaxReplicas)
	switch {
	case w.night > 0:
		w.demand[i] = 0
	case chance(r, w.rates.jump):
		w.demand[i] = most * r.Float64()
	case w.demand[i] < 0.05 && r.IntN(3) == 0:
		w.demand[i] = most * r.Float64()
	}
	w.demand[i] = min(w.demand[i], 3*most)
	if w.outage[i]--; w.outage[i] < 0 && chance(r, w.rates.outage) {
		w.outage[i] = 1 + r.IntN(5)
	}
}

// nearby is a value for one that is at its target: right there, or at the last that is tolerated or one beyond.
func (w *world) nearby(r *rand.Rand, target int64) int64 {
	up, down := w.settings.Tolerance, w.settings.Tolerance
	if b := w.spec.Behavior; b != nil {
		if b.ScaleUp != nil && b.ScaleUp.Tolerance != nil {
			up = b.ScaleUp.Tolerance.AsApproximateFloat64()
		}
		if b.ScaleDown != nil && b.ScaleDown.Tolerance != nil {
			down = b.ScaleDown.Tolerance.AsApproximateFloat64()
		}
	}
	edge := pick(r, 1, 1+up, 1+up, 1-down, 1-down)
	return max(0, int64(math.Round(edge*float64(target)))+pick[int64](r, -1, 0, 1))
}

// samples gives most pods a value.
func (w *world) samples(r *rand.Rand, i int, target int64, now time.Time) (all []sample) {
	edge := chance(r, w.rates.edge) && w.night == 0
	same := w.nearby(r, target)
	share := w.demand[i] * float64(target) / max(1, float64(len(w.alive())))
	for _, p := range w.pods {
		s := sample{pod: p.Name, at: ago(r, now, 60).Time, milli: same}
		if noisy := share * (0.8 + 0.4*r.Float64()); !edge {
			s.milli = int64(noisy)
		}
		if !w.silent(r, p) {
			all = append(all, s)
		}
	}
	if chance(r, w.rates.extra) {
		all = append(all, sample{pod: service + "-gone", at: now, milli: int64(share * 3 * r.Float64())})
	}
	return all
}

// silent says that a pod has no sample.
func (w *world) silent(r *rand.Rand, p *corev1.Pod) bool {
	missing := w.rates.missing
	switch {
	case p.Status.Phase == corev1.PodPending:
		missing = 0.9
	case p.DeletionTimestamp != nil, ended(p):
		missing = 0.5
	}
	return chance(r, missing)
}

// whole is the value of a metric that is not the pods'.
func (w *world) whole(r *rand.Rand, i int, target autoscalingv2.MetricTarget) int64 {
	edge := chance(r, w.rates.edge) && w.night == 0
	if target.Type == autoscalingv2.AverageValueMetricType {
		t := target.AverageValue.MilliValue()
		if edge {
			return w.nearby(r, t*int64(max(1, w.observed)))
		}
		return int64(w.demand[i] * float64(t))
	}
	t := target.Value.MilliValue()
	if edge {
		return w.nearby(r, t)
	}
	return int64(w.demand[i] * float64(t) / max(1, float64(w.replicas)))
}

// split returns series that add up to a value, or none.
func split(r *rand.Rand, total int64) []int64 {
	var all []int64
	for range r.IntN(3) {
		part := r.Int64N(total + 1)
		all, total = append(all, part), total-part
	}
	if r.IntN(60) == 0 {
		return nil
	}
	return append(all, total)
}
