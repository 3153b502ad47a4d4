package replay

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// situation is what there was of the target at a sync.
type situation struct {
	replicas int32 // spec.replicas; -1: not recorded
	observed int32 // status.replicas
	pods     []hpa.Pod
	// podsKnown is false where no pods are recorded: those that have samples then count as ready.
	podsKnown bool
	// readyAssumed: that a pod which runs is ready is taken for granted.
	readyAssumed bool
	// desired is what the controller asked for; -1: to be seen from the next sync.
	desired int32
}

// record tells of the target's past.
type record interface {
	// window asks what there was at the instants, of one window after another.
	window(ctx context.Context, instants []time.Time) (past, error)
	// inputs tells what it reads, once all windows were asked for.
	inputs() []Input
}

// past is what a record tells of a window. Its instants are asked for in the order of time.
type past interface {
	at(time.Time) situation
}

// recordOf finds the best record that there is.
func recordOf(ctx context.Context, a asker, o *Options) (record, error) {
	if o.Recorded != nil {
		return &syncs{left: o.Recorded}, nil
	}
	for _, candidate := range []interface {
		record
		found(context.Context) (bool, error)
	}{newKube(a, o), newLaptop(a, o)} {
		found, err := candidate.found(ctx)
		if err != nil {
			return nil, err
		}
		if found {
			return candidate, nil
		}
	}
	return nothing{}, nil
}

// nothing is the record of a target of which only the metrics are known.
type nothing struct{}

func (n nothing) window(context.Context, []time.Time) (past, error) { return n, nil }

func (nothing) at(time.Time) situation { return situation{replicas: -1, desired: -1} }

func (nothing) inputs() []Input {
	return []Input{
		{"pods and readiness", "assumed: a pod that has a sample runs and is ready"},
		{"spec.replicas", "assumed: as many as there are pods with samples, or were before there were none"},
	}
}

// probe asks whether a selector finds anything in the range, however shortly it was there.
func probe(ctx context.Context, a asker, o *Options, selector string) (bool, error) {
	some := errors.New("there is one")
	err := a.source.Series(ctx, []string{selector}, o.From.Add(-lookBack), o.To, func(labels.Labels) error { return some })
	if errors.Is(err, some) {
		return true, nil
	}
	return false, err
}
