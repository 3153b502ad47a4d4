package hpadiff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

const (
	namespace = "default"
	service   = "clicks"
)

// world is the service that is scaled, and what is measured of it. Pods and spec are replaced when they change, never
// changed, so that whoever has them may keep them.
type world struct {
	local    bool
	period   time.Duration // between two syncs
	settings hpa.Settings
	rates    rates
	restless bool // the load jumps, and someone tries out one behavior after the other

	spec     *autoscalingv2.HorizontalPodAutoscalerSpec // as it was written, without defaults
	replicas int32                                      // the scale's spec.replicas
	observed int32                                      // the scale's status.replicas
	pods     []*corev1.Pod
	named    int // how many pods there ever were
	restart  bool

	numbers  []int     // of the metrics, which they keep when others are dropped
	demand   []float64 // per metric: how many replicas the load would need
	night    int       // for how many syncs more there is no load at all
	outage   []int     // per metric: for how many syncs more its API does not answer
	measured []measured
	usage    usage
}

// step is what happens before one sync.
func (w *world) step(seed uint64, now time.Time) {
	r := rand.New(rand.NewPCG(seed, 3))
	w.restart = chance(r, w.rates.restart)
	if chance(r, w.rates.byHand) {
		w.replicas = pick(r, r.Int32N(w.spec.MaxReplicas+3), r.Int32N(w.spec.MaxReplicas+3), 0, 1)
	}
	if chance(r, w.rates.edit) {
		w.edit(r)
	}
	if w.night = max(0, w.night-1); w.night == 0 && chance(r, w.rates.night) {
		w.night = 5 + r.IntN(25)
	}
	w.live(r, now)
	w.deploy(r, now)
	w.measure(seed, now)
}

func chance(r *rand.Rand, rate float64) bool { return r.Float64() < rate }

// edit is someone who changes the spec.
func (w *world) edit(r *rand.Rand) {
	spec := w.spec.DeepCopy()
	switch kind := r.IntN(6); {
	case kind < 2, w.replicas == 0: // whoever finds nothing running raises the minimum
		anyBounds(r, spec, w.settings.ScaleToZero)
	case kind < 4, w.restless:
		spec.Behavior = anyBehavior(r, w.restless)
	default:
		spec.Behavior = nil
	}
	w.spec = spec
}

// live is what becomes of the pods by themselves.
func (w *world) live(r *rand.Rand, now time.Time) {
	var still []*corev1.Pod
	for _, p := range w.pods {
		switch {
		case p.DeletionTimestamp != nil && chance(r, 0.6), ended(p) && chance(r, 0.2):
			continue
		case p.Status.Phase == corev1.PodPending && chance(r, 0.5):
			p = running(r, p, now)
		case p.Status.Phase == corev1.PodRunning && chance(r, w.rates.crash):
			p = p.DeepCopy()
			p.Status.Phase = pick(r, corev1.PodFailed, corev1.PodFailed, corev1.PodSucceeded, corev1.PodUnknown)
		case p.Status.Phase == corev1.PodRunning && !isReady(p) && chance(r, 0.5):
			p = withReady(p, corev1.ConditionTrue, ago(r, now, 10))
		case isReady(p) && chance(r, w.rates.unready):
			p = withReady(p, pick(r, corev1.ConditionFalse, corev1.ConditionFalse, corev1.ConditionUnknown), ago(r, now, 10))
		}
		still = append(still, p)
	}
	w.pods = still
}

func ago(r *rand.Rand, now time.Time, seconds int) metav1.Time {
	return metav1.NewTime(now.Add(-time.Duration(r.IntN(seconds+1)) * time.Second))
}

func ended(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
}

func isReady(p *corev1.Pod) bool {
	return len(p.Status.Conditions) > 0 && p.Status.Conditions[0].Status == corev1.ConditionTrue
}

func withReady(p *corev1.Pod, status corev1.ConditionStatus, since metav1.Time) *corev1.Pod {
	p = p.DeepCopy()
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: since}}
	return p
}

// running is a pod that was pending.
func running(r *rand.Rand, p *corev1.Pod, now time.Time) *corev1.Pod {
	p = p.DeepCopy()
	p.Status.Phase = corev1.PodRunning
	if started := ago(r, now, 10); r.IntN(20) > 0 {
		p.Status.StartTime = &started
	}
	if r.IntN(10) == 0 {
		return p // no condition yet
	}
	return withReady(p, pick(r, corev1.ConditionFalse, corev1.ConditionTrue), ago(r, now, 10))
}

// deploy is the controller of the pods: it makes some and deletes others, not always at once.
func (w *world) deploy(r *rand.Rand, now time.Time) {
	alive := w.alive()
	for ; len(alive) < int(w.replicas) && !chance(r, 0.1); alive = w.alive() {
		w.newPod(r)
	}
	for ; len(alive) > int(w.replicas) && !chance(r, 0.1); alive = w.alive() {
		w.remove(r, alive[r.IntN(len(alive))], now)
	}
	w.observed = int32(len(alive))
	if chance(r, w.rates.miscount) {
		w.observed = max(0, w.observed+pick[int32](r, -1, 1, 2))
	}
}

// alive are the pods that count as replicas.
func (w *world) alive() (alive []*corev1.Pod) {
	for _, p := range w.pods {
		if p.DeletionTimestamp == nil && (w.local || !ended(p)) {
			alive = append(alive, p)
		}
	}
	return alive
}

func (w *world) remove(r *rand.Rand, gone *corev1.Pod, now time.Time) {
	i := slices.Index(w.pods, gone)
	if r.IntN(5) == 0 {
		w.pods = slices.Delete(slices.Clone(w.pods), i, i+1)
		return
	}
	draining := gone.DeepCopy()
	deleted := metav1.NewTime(now)
	draining.DeletionTimestamp = &deleted
	w.pods[i] = draining
}

func (w *world) newPod(r *rand.Rand) {
	p := &corev1.Pod{}
	p.Name, p.Namespace, p.Labels = fmt.Sprintf("%s-%d", service, w.named), namespace, map[string]string{"app": service}
	w.named++
	p.Status.Phase = corev1.PodPending
	for _, name := range containers {
		requests := corev1.ResourceList{}
		for _, res := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			if !chance(r, w.rates.noRequest) {
				requests[res] = resource.MustParse(pick(r, "100m", "250m", "1"))
			}
		}
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: requests}})
	}
	w.pods = append(w.pods, p)
}

// startedPod adds a pod that runs since some time before the history begins.
func (w *world) startedPod(r *rand.Rand, now time.Time) {
	w.newPod(r)
	last := len(w.pods) - 1
	started := ago(r, now, 900)
	p := withReady(w.pods[last], corev1.ConditionTrue, metav1.NewTime(started.Add(10*time.Second)))
	p.Status.Phase, p.Status.StartTime = corev1.PodRunning, &started
	w.pods[last] = p
}

// metricNamed returns what was measured of a metric of the spec.
func (w *world) metricNamed(name string) *measured {
	for i := range w.spec.Metrics {
		m := &w.spec.Metrics[i]
		if m.Pods != nil && m.Pods.Metric.Name == name || m.Object != nil && m.Object.Metric.Name == name || m.External != nil && m.External.Metric.Name == name {
			return &w.measured[i]
		}
	}
	return &measured{away: true}
}
