package replay

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/signal"
)

// Source answers PromQL about the past. [promapi.Client] does, and so does a file (package history).
type Source interface {
	Query(ctx context.Context, expr string, at time.Time) ([]promapi.Sample, error)
	QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]promapi.Series, error)
	Series(ctx context.Context, matchers []string, start, end time.Time, yield func(labels.Labels) error) error
}

// Options say what is replayed.
type Options struct {
	Namespace, Name string // of the autoscaler or application
	Spec            autoscalingv2.HorizontalPodAutoscalerSpec
	// Questions holds one entry per metric of the spec, in its order.
	Questions []Question
	// From and To bound the syncs; both are syncs if Sync divides the time between them.
	From, To time.Time
	// Sync is the time between two decisions (default 15 s, as kube-controller-manager).
	Sync     time.Duration
	Settings hpa.Settings // the zero value means hpa.DefaultSettings
	MaxAge   time.Duration
	// Recorded are the syncs of a real controller; then decisions are made at just those instants, and From, To and Sync
	// are only used to leave some out.
	Recorded []Sync
	// WhatIfs are simulated beside the spec.
	WhatIfs []WhatIf
	// Startup is how long a simulated pod is pending until it serves (default 30 s).
	Startup time.Duration
	// Replicas is how many there are at first where nothing is recorded; 0 means the minimum.
	Replicas int32
	// FlapWindow is how soon after a change one in the other direction is a flap (default 10 min).
	FlapWindow time.Duration
	// Each is told of every decision, of all scenarios, in the order of time. An error ends the replay.
	Each func(scenario string, d hpa.Decision) error
}

// Question is how one metric of the spec is asked for.
type Question struct {
	// Expr answers for a Pods or Resource metric with one series per pod, labelled pod; for others as the metrics API would.
	Expr string
	// Requests answers with each pod's request of the resource, for utilization targets.
	Requests string
	// Read takes an answer at a time apart; nil: the labels pod and namespace say whose value it is. It keeps nothing of the answer.
	Read func(answer []promapi.Sample, at time.Time) []signal.Sample
	// Window is over what time a sample was measured; it matters for CPU of young pods.
	Window time.Duration
}

// WhatIf is a spec to try.
type WhatIf struct {
	Name string
	Spec autoscalingv2.HorizontalPodAutoscalerSpec
}

// Defaults of Options.
const (
	DefaultSync       = 15 * time.Second
	DefaultStartup    = 30 * time.Second
	DefaultFlapWindow = 10 * time.Minute
)

// maxSyncs bounds a replay: ten years at one per second.
const maxSyncs = 315_360_000

func (o *Options) complete() error {
	if err := hpa.Validate(&o.Spec); err != nil {
		return err
	}
	if len(o.Questions) != len(o.Spec.Metrics) {
		return errors.New("there must be one query per metric")
	}
	for _, w := range o.WhatIfs {
		if err := hpa.Validate(&w.Spec); err != nil {
			return hint.Errorf("the other values are those of the manifest", "what if %s: %w", w.Name, err)
		}
		if len(w.Spec.Metrics) != len(o.Spec.Metrics) {
			return errors.New("a what-if has the metrics of the spec")
		}
	}
	setDefault(&o.Sync, DefaultSync)
	setDefault(&o.Startup, DefaultStartup)
	setDefault(&o.FlapWindow, DefaultFlapWindow)
	setDefault(&o.MaxAge, signal.DefaultMaxAge)
	if o.Settings == (hpa.Settings{}) {
		o.Settings = hpa.DefaultSettings()
	}
	if o.Recorded == nil && o.Settings.DownscaleStabilization > 0 {
		// kube-controller-manager waits the sync period after each sync: its syncs are a little further apart than those of a grid.
		// What is just as old as the window here is older there, and does not hold any more.
		o.Settings.DownscaleStabilization--
	}
	switch {
	case o.Sync%time.Millisecond != 0:
		return hint.Errorf("write it as 15s", "the sync period %s is no whole number of milliseconds", o.Sync)
	case o.To.Before(o.From):
		return hint.Errorf("give the earlier time first", "the end %s is before the beginning %s", o.To.Format(time.RFC3339), o.From.Format(time.RFC3339))
	case o.To.Sub(o.From)/o.Sync > maxSyncs:
		return hint.Errorf("take a shorter range or a longer sync period", "%s is too long", o.To.Sub(o.From))
	}
	return nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}
