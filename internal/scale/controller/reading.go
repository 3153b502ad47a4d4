package controller

import (
	"context"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/signal"
)

// ask reads every metric of the spec.
func (c *Controller) ask(ctx context.Context, pods []hpa.Pod, at time.Time) []hpa.Reading {
	ctx, cancel := context.WithTimeout(ctx, c.options.QueryTimeout)
	defer cancel()
	readings := make([]hpa.Reading, len(c.options.Spec.Metrics))
	for i := range readings {
		readings[i] = c.read(ctx, &c.options.Spec.Metrics[i], pods, at)
	}
	return readings
}

func (c *Controller) read(ctx context.Context, m *autoscalingv2.MetricSpec, pods []hpa.Pod, at time.Time) hpa.Reading {
	name, err := localMetric(m)
	if err != nil {
		return hpa.Reading{Err: err}
	}
	answer, err := c.options.Query(ctx, c.options.Queries[name], at)
	if err != nil {
		return signal.Failed(err, c.options.QueryTimeout)
	}
	samples := make([]signal.Sample, len(answer))
	for i, s := range answer {
		samples[i] = signal.Sample{Pod: s.Labels["pod"], Namespace: s.Labels["namespace"], Value: s.Value, Time: s.Time}
	}
	rules := signal.Rules{Namespace: c.options.Namespace, MaxAge: c.options.MaxAge}
	if m.Type == autoscalingv2.PodsMetricSourceType {
		return rules.PerPod(samples, pods, at)
	}
	return rules.Whole(samples, at)
}
