package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
)

// ask reads every metric of the spec.
func (c *Controller) ask(ctx context.Context, pods []hpa.Pod, at time.Time) []hpa.Reading {
	ctx, cancel := context.WithTimeout(ctx, c.options.QueryTimeout)
	defer cancel()
	readings := make([]hpa.Reading, len(c.options.Spec.Metrics))
	for i := range readings {
		m := &c.options.Spec.Metrics[i]
		name, err := localMetric(m)
		if err != nil {
			readings[i].Err = err
			continue
		}
		samples, err := c.query(ctx, c.options.Queries[name], at)
		switch {
		case err != nil:
			readings[i].Err = err
		case m.Type == autoscalingv2.PodsMetricSourceType:
			readings[i] = c.perPod(samples, pods, at)
		default:
			readings[i] = c.whole(samples, at)
		}
	}
	return readings
}

func (c *Controller) query(ctx context.Context, query string, at time.Time) ([]Sample, error) {
	samples, err := c.options.Query(ctx, query, at)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("the query was not answered within %s", c.options.QueryTimeout)
	case err != nil:
		return nil, fmt.Errorf("the query failed: %w", err)
	case len(samples) == 0:
		return nil, errors.New("the query found nothing")
	}
	return samples, nil
}

// perPod keeps the samples of pods that exist. A pod without sample is missing, which the algorithm knows to handle; a
// sample that cannot be right makes the whole metric invalid.
func (c *Controller) perPod(samples []Sample, pods []hpa.Pod, at time.Time) hpa.Reading {
	found := make(map[string]hpa.Sample, len(pods))
	var gone []string
	unlabelled := 0
	for _, s := range samples {
		pod := s.Labels["pod"]
		if pod == "" {
			unlabelled++
			continue
		}
		if ns := s.Labels["namespace"]; ns != "" && ns != c.options.Namespace {
			continue
		}
		if !slices.ContainsFunc(pods, func(p hpa.Pod) bool { return p.Name == pod }) {
			gone = append(gone, pod)
			continue
		}
		if _, twice := found[pod]; twice {
			return hpa.Reading{Err: hint.Errorf("add the series up: sum by (pod) (…)", "the query found several series for pod %s", pod)}
		}
		milli, err := c.milli(s, at)
		if err != nil {
			return hpa.Reading{Err: fmt.Errorf("pod %s: %w", pod, err)}
		}
		found[pod] = hpa.Sample{Milli: milli, Time: s.Time}
	}
	switch {
	case len(found) > 0:
		return hpa.Reading{Pods: found}
	case unlabelled > 0:
		return hpa.Reading{Err: hint.Errorf("keep the label: sum by (pod) (…)", "the query found no series with the label pod")}
	case len(gone) > 0:
		return hpa.Reading{Err: fmt.Errorf("the query found only pods that do not exist: %s", strings.Join(gone, ", "))}
	}
	return hpa.Reading{Err: fmt.Errorf("the query found nothing in namespace %s", c.options.Namespace)}
}

// whole takes all series of an object or external metric; the algorithm wants one of the former and adds up the latter.
func (c *Controller) whole(samples []Sample, at time.Time) hpa.Reading {
	r := hpa.Reading{Values: make([]int64, len(samples))}
	for i, s := range samples {
		milli, err := c.milli(s, at)
		if err != nil {
			return hpa.Reading{Err: err}
		}
		r.Values[i] = milli
		if i == 0 || s.Time.Before(r.Time) {
			r.Time = s.Time
		}
	}
	return r
}

func (c *Controller) milli(s Sample, at time.Time) (int64, error) {
	if age := at.Sub(s.Time); age > c.options.MaxAge {
		return 0, fmt.Errorf("the value is %s old, more than %s", age.Round(time.Second), c.options.MaxAge)
	}
	return hpa.Milli(s.Value)
}
