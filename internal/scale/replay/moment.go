package replay

import (
	"fmt"
	"strconv"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/signal"
)

// moment is a sync as the past has it.
type moment struct {
	situation
	at       time.Time
	lasts    time.Duration // until the next sync
	readings []hpa.Reading // of the pods that there were
	ready    int           // of them; 0 if not known
}

// film puts moments together, from reel to reel.
type film struct {
	options    *Options
	unrecorded bool // nothing is known of the target but its metrics
	reel       *reel
	assumed    int32 // replicas, when last there were samples

	// Used again for every moment.
	samples [][]signal.Sample // per metric
	answer  []promapi.Sample
	seen    map[string]bool
}

// moment puts together what there was at an instant of the window.
func (f *film) moment(at time.Time) *moment {
	m := &moment{situation: f.reel.past.at(at), at: at, readings: make([]hpa.Reading, len(f.reel.metrics))}
	f.read(at)
	if !m.podsKnown {
		f.assumePods(m)
	}
	for i := range m.pods {
		if m.pods[i].Phase == corev1.PodRunning && m.pods[i].Ready == corev1.ConditionTrue && !m.pods[i].Deleting {
			m.ready++
		}
	}
	rules := signal.Rules{Namespace: f.options.Namespace, MaxAge: f.options.MaxAge}
	for i := range f.reel.metrics {
		samples := f.samples[i]
		if !isPerPod(&f.options.Spec.Metrics[i]) {
			m.readings[i] = rules.Whole(samples, at)
			continue
		}
		r := rules.PerPod(samples, m.pods, at)
		if r.Err == nil {
			r = f.withRequests(r, i, m)
		}
		m.readings[i] = r
	}
	return m
}

// read takes apart what the metrics' questions were answered at an instant.
func (f *film) read(at time.Time) {
	if f.samples == nil {
		f.samples = make([][]signal.Sample, len(f.reel.metrics))
	}
	for i := range f.reel.metrics {
		column := f.reel.metrics[i].values
		read := f.options.Questions[i].Read
		if read == nil {
			f.samples[i] = appendSamples(f.samples[i][:0], column, at)
			continue
		}
		f.answer = f.answer[:0]
		for j := range column {
			if v, found := column[j].at(at); found {
				f.answer = append(f.answer, promapi.Sample{Labels: column[j].labels, Time: at, Value: v})
			}
		}
		f.samples[i] = read(f.answer, at)
	}
}

// appendSamples appends what a column has at an instant.
func appendSamples(to []signal.Sample, column []track, at time.Time) []signal.Sample {
	for i := range column {
		t := &column[i]
		if v, found := t.at(at); found {
			to = append(to, signal.Sample{Pod: t.pod, Namespace: t.namespace, Value: v, Time: at})
		}
	}
	return to
}

// withRequests adds the requests of the pods, and over what time the samples were measured.
func (f *film) withRequests(r hpa.Reading, metric int, m *moment) hpa.Reading {
	q := f.options.Questions[metric]
	if q.Window > 0 {
		for pod, s := range r.Pods {
			s.Window = q.Window
			r.Pods[pod] = s
		}
	}
	if q.Requests == "" {
		return r
	}
	r.Requests = map[string]int64{}
	for _, s := range appendSamples(nil, f.reel.metrics[metric].requests, m.at) {
		milli, err := hpa.Milli(s.Value)
		if err != nil {
			return hpa.Reading{Err: fmt.Errorf("the request of pod %s: %w", s.Pod, err)}
		}
		r.Requests[s.Pod] = milli
	}
	return r
}

// assumePods takes the pods that have samples for those that exist, run and are ready; where no metric is per pod, as many
// as spec.replicas says.
func (f *film) assumePods(m *moment) {
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	clear(f.seen)
	m.pods = make([]hpa.Pod, 0, f.assumed)
	add := func(name string) {
		m.pods = append(m.pods, hpa.Pod{Name: name, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue,
			Started: m.at.Add(-24 * time.Hour), ReadyChanged: m.at.Add(-24 * time.Hour)})
	}
	perPod := false
	for i := range f.reel.metrics {
		if !isPerPod(&f.options.Spec.Metrics[i]) {
			continue
		}
		perPod = true
		for _, s := range f.samples[i] {
			if s.Pod != "" && !f.seen[s.Pod] && (s.Namespace == "" || s.Namespace == f.options.Namespace) {
				f.seen[s.Pod] = true
				add(s.Pod)
			}
		}
	}
	if f.unrecorded {
		if len(m.pods) > 0 {
			f.assumed = int32(len(m.pods))
		}
		if f.assumed > 0 {
			m.replicas = f.assumed
		}
	}
	for i := len(m.pods); !perPod && i < int(min(m.replicas, maxAssumed)); i++ {
		add("assumed-" + strconv.Itoa(i))
	}
	m.observed = max(m.observed, int32(len(m.pods)))
}

// maxAssumed bounds the pods that are assumed for a number that a history claims.
const maxAssumed = 10_000

func isPerPod(m *autoscalingv2.MetricSpec) bool {
	switch m.Type {
	case autoscalingv2.PodsMetricSourceType, autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType:
		return true
	}
	return false
}
