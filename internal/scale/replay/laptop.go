package replay

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// laptop reads what `truecount up` recorded of an application: how many replicas its autoscaler wanted, and which of them
// answered their scrapes.
type laptop struct {
	asker          asker
	options        *Options
	replicas, pods string // selectors
}

// laptopPast are the answers of a window.
type laptopPast struct{ wanted, up []track }

func newLaptop(a asker, o *Options) *laptop {
	return &laptop{
		asker: a, options: o,
		replicas: fmt.Sprintf("truecount_scale_desired_replicas{application_namespace=%q,application=%q}", o.Namespace, o.Name),
		pods:     fmt.Sprintf(`up{namespace=%q,service=%q,pod!=""}`, o.Namespace, o.Name),
	}
}

func (l *laptop) found(ctx context.Context) (bool, error) {
	return probe(ctx, l.asker, l.options, l.replicas)
}

func (l *laptop) window(ctx context.Context, instants []time.Time) (past, error) {
	var told laptopPast
	var err error
	if told.wanted, err = l.asker.at(ctx, "max("+l.replicas+")", instants); err == nil {
		told.up, err = l.asker.at(ctx, "max by (pod) ("+l.pods+")", instants)
	}
	if err != nil {
		return nil, fmt.Errorf("what truecount recorded of itself: %w", err)
	}
	return &told, nil
}

func (l *laptopPast) at(at time.Time) situation {
	s := situation{replicas: only(l.wanted, at), desired: -1}
	for i := range l.up {
		answers, exists := l.up[i].at(at)
		if !exists {
			continue
		}
		p := hpa.Pod{Name: l.up[i].pod, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue}
		if answers != 1 {
			p.Ready = corev1.ConditionFalse
		}
		s.pods = append(s.pods, p)
	}
	s.podsKnown = len(s.pods) > 0 || s.replicas == 0
	s.observed = existing(s.pods)
	return s
}

func (l *laptop) inputs() []Input {
	return []Input{
		{"spec.replicas", l.replicas + ", as wanted when last scraped"},
		{"pods and readiness", l.pods + ": a replica that answers scrapes is ready"},
	}
}
