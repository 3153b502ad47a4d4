package replay

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// kube reads what kube-state-metrics recorded of a workload and its pods. It must be scraped with honor_labels, as its own
// manifests and prometheus-operator do: namespace and pod are then those of what it tells of.
type kube struct {
	asker    asker
	options  *Options
	replicas string // selectors
	observed string

	readinessOf bool // readiness is recorded, seen in any window so far
	ages        bool // since when pods run and are ready matters: for CPU only
}

// kubePast are the answers of a window.
type kubePast struct {
	replicas, observed, phase, ready, readyTime, started, deleting []track
	readinessOf, ages                                              bool // as of the record, then
}

func newKube(a asker, o *Options) *kube {
	k := &kube{asker: a, options: o}
	for i := range o.Spec.Metrics {
		k.ages = k.ages || MetricName(&o.Spec.Metrics[i]) == string(corev1.ResourceCPU)
	}
	ref := o.Spec.ScaleTargetRef
	in := fmt.Sprintf("namespace=%q", o.Namespace)
	switch ref.Kind {
	case "Deployment":
		k.replicas = fmt.Sprintf("kube_deployment_spec_replicas{%s,deployment=%q}", in, ref.Name)
		k.observed = fmt.Sprintf("kube_deployment_status_replicas{%s,deployment=%q}", in, ref.Name)
	case "StatefulSet":
		k.replicas = fmt.Sprintf("kube_statefulset_replicas{%s,statefulset=%q}", in, ref.Name)
		k.observed = fmt.Sprintf("kube_statefulset_status_replicas{%s,statefulset=%q}", in, ref.Name)
	case "ReplicaSet":
		k.replicas = fmt.Sprintf("kube_replicaset_spec_replicas{%s,replicaset=%q}", in, ref.Name)
		k.observed = fmt.Sprintf("kube_replicaset_status_replicas{%s,replicaset=%q}", in, ref.Name)
	}
	return k
}

func (k *kube) found(ctx context.Context) (bool, error) {
	if k.replicas == "" {
		return false, nil
	}
	return probe(ctx, k.asker, k.options, k.replicas)
}

func (k *kube) window(ctx context.Context, instants []time.Time) (past, error) {
	pods, err := k.owned(ctx, instants[0], instants[len(instants)-1])
	if err != nil {
		return nil, fmt.Errorf("what kube-state-metrics recorded: %w", err)
	}
	in := fmt.Sprintf("namespace=%q,pod=~%q", k.options.Namespace, alternatives(pods))
	var told kubePast
	for _, c := range []struct {
		into *[]track
		expr string
		skip bool
	}{
		{&told.replicas, "max(" + k.replicas + ")", false},
		{&told.observed, "max(" + k.observed + ")", false},
		{&told.phase, "kube_pod_status_phase{" + in + "} == 1", len(pods) == 0},
		{&told.ready, "kube_pod_status_ready{" + in + `,condition="true"}`, len(pods) == 0},
		{&told.deleting, "kube_pod_deletion_timestamp{" + in + "}", len(pods) == 0},
		{&told.readyTime, "kube_pod_status_ready_time{" + in + "}", len(pods) == 0 || !k.ages},
		{&told.started, "kube_pod_start_time{" + in + "}", len(pods) == 0 || !k.ages},
	} {
		if c.skip {
			continue
		}
		if *c.into, err = k.asker.at(ctx, c.expr, instants); err != nil {
			return nil, fmt.Errorf("what kube-state-metrics recorded: %w", err)
		}
	}
	k.readinessOf = k.readinessOf || len(told.ready) > 0
	told.readinessOf, told.ages = k.readinessOf, k.ages
	return &told, nil
}

// owned returns the names of the pods of the workload in a time: those of its ReplicaSets, for a Deployment.
func (k *kube) owned(ctx context.Context, start, end time.Time) (pods map[string]bool, err error) {
	ref := k.options.Spec.ScaleTargetRef
	kind, owners := ref.Kind, map[string]bool{ref.Name: true}
	if kind == "Deployment" {
		kind = "ReplicaSet"
		sets := fmt.Sprintf(`kube_replicaset_owner{namespace=%q,owner_kind="Deployment",owner_name=%q}`, k.options.Namespace, ref.Name)
		if owners, err = k.names(ctx, sets, start, end, "replicaset", func(labels.Labels) bool { return true }); err != nil {
			return nil, err
		}
	}
	all := fmt.Sprintf("kube_pod_owner{namespace=%q,owner_kind=%q}", k.options.Namespace, kind)
	return k.names(ctx, all, start, end, "pod", func(l labels.Labels) bool { return owners[l.Get("owner_name")] })
}

// names returns the values of a label of the series that a matcher selects and keep wants.
func (k *kube) names(ctx context.Context, matcher string, start, end time.Time, label string, keep func(labels.Labels) bool) (map[string]bool, error) {
	names := map[string]bool{}
	// What was said before the time counts as long as the server looks back.
	err := k.asker.source.Series(ctx, []string{matcher}, start.Add(-lookBack), end, func(l labels.Labels) error {
		if keep(l) {
			names[l.Get(label)] = true
		}
		return nil
	})
	return names, err
}

// lookBack is how old a sample may be that a query still finds, as Prometheus is set by default.
const lookBack = 5 * time.Minute

// alternatives is a regular expression of names.
func alternatives(names map[string]bool) string {
	var quoted []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		quoted = append(quoted, regexp.QuoteMeta(name))
	}
	return strings.Join(quoted, "|")
}

func (k *kubePast) at(at time.Time) situation {
	s := situation{replicas: only(k.replicas, at), observed: only(k.observed, at), desired: -1}
	index := map[string]int{}
	for i := range k.phase {
		t := &k.phase[i]
		_, now := t.at(at)
		if _, known := index[t.pod]; now && !known { // two of kube-state-metrics say everything twice
			index[t.pod] = len(s.pods)
			s.pods = append(s.pods, hpa.Pod{Name: t.pod, Phase: corev1.PodPhase(t.labels.Get("phase"))})
		}
	}
	// No pods at all where there should be some is a gap in the recording.
	s.podsKnown = len(s.pods) > 0 || s.replicas == 0
	each := func(column []track, note func(*hpa.Pod, float64)) {
		for i := range column {
			t := &column[i]
			value, now := t.at(at)
			if at, known := index[t.pod]; known && now {
				note(&s.pods[at], value)
			}
		}
	}
	each(k.started, func(p *hpa.Pod, v float64) { p.Started, p.ReadyChanged = seconds(v), seconds(v) })
	each(k.readyTime, func(p *hpa.Pod, v float64) { p.ReadyChanged = seconds(v) })
	each(k.deleting, func(p *hpa.Pod, _ float64) { p.Deleting = true })
	each(k.ready, func(p *hpa.Pod, v float64) {
		p.Ready = corev1.ConditionFalse
		if v == 1 {
			p.Ready = corev1.ConditionTrue
		}
	})
	if !k.ages {
		for i := range s.pods { // known to be ready, and nobody asks since when
			s.pods[i].Started, s.pods[i].ReadyChanged = at.Add(-time.Hour), at.Add(-time.Hour)
		}
	}
	if s.observed < 0 {
		s.observed = existing(s.pods)
	}
	if s.readyAssumed = !k.readinessOf; s.readyAssumed {
		for i := range s.pods {
			if s.pods[i].Phase == corev1.PodRunning {
				s.pods[i].Ready = corev1.ConditionTrue
			}
		}
	}
	return s
}

func (k *kube) inputs() []Input {
	readiness := "kube_pod_status_ready"
	if !k.readinessOf {
		readiness = "assumed: a pod that runs is ready"
	}
	return []Input{
		{"spec.replicas", k.replicas},
		{"pods", "kube_pod_status_phase of those that kube_pod_owner and kube_replicaset_owner say belong to it"},
		{"readiness", readiness},
	}
}

// only returns the value of the one series that a column has, or -1.
func only(column []track, at time.Time) int32 {
	if len(column) == 0 {
		return -1
	}
	v, found := column[0].at(at)
	if !found || !(v >= 0 && v < 1<<31) {
		return -1
	}
	return int32(v)
}

func seconds(v float64) time.Time { return time.UnixMilli(int64(v * 1000)) }

// existing counts the pods as a scale's status does: those that end are gone.
func existing(pods []hpa.Pod) (n int32) {
	for i := range pods {
		if !pods[i].Deleting {
			n++
		}
	}
	return n
}
