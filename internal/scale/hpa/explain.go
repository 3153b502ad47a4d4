package hpa

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// explain says the decision in one sentence for people.
func (d *decider) explain() string {
	switch d.Outcome {
	case Disabled:
		return "the target has zero replicas, which turns autoscaling off; scale it to at least one to turn it on"
	case OutOfBounds:
		if d.Desired < d.Current {
			return fmt.Sprintf("%d replicas are more than the maximum %d", d.Current, d.Max)
		}
		return fmt.Sprintf("%d replicas are fewer than the minimum %d", d.Current, d.Min)
	case Held:
		return d.explainHold()
	}
	var b strings.Builder
	b.WriteString(d.Metrics[d.Chosen].explain(d.Current))
	d.explainSteps(&b)
	if d.Err != nil {
		b.WriteString("; not known: " + d.unknown())
	}
	return b.String()
}

func (d *decider) explainSteps(b *strings.Builder) {
	s := d.Steps
	if s.Stabilized != s.Recommended {
		fmt.Fprintf(b, "; held at %d by the stabilisation window", s.Stabilized)
		if !d.StabilizedUntil.IsZero() {
			fmt.Fprintf(b, " for another %s", d.StabilizedUntil.Sub(d.At).Round(time.Second))
		}
	}
	if s.Limited == s.Stabilized {
		return
	}
	switch d.limited {
	case tooMany:
		fmt.Fprintf(b, "; limited to the maximum %d", s.Limited)
	case tooFew:
		fmt.Fprintf(b, "; limited to the minimum %d", s.Limited)
	case scaleUpLimit:
		fmt.Fprintf(b, "; limited to %d, as fast as it may grow", s.Limited)
	default:
		fmt.Fprintf(b, "; limited to %d, as fast as it may shrink", s.Limited)
	}
}

func (d *decider) explainHold() string {
	if d.Chosen < 0 {
		if len(d.Metrics) == 0 {
			return fmt.Sprintf("holding at %d: the spec has no metrics", d.Current)
		}
		return fmt.Sprintf("holding at %d: %s", d.Current, d.unknown())
	}
	return fmt.Sprintf("holding at %d although %s: not known: %s", d.Current, d.Metrics[d.Chosen].explain(d.Current), d.unknown())
}

// unknown lists the metrics without a usable value.
func (d *decider) unknown() string {
	var parts []string
	for i := range d.Metrics {
		if m := &d.Metrics[i]; m.Err != nil {
			parts = append(parts, fmt.Sprintf("%s (%v)", m.Name, m.Err))
		}
	}
	return strings.Join(parts, ", ")
}

func (m *MetricResult) explain(current int32) string {
	var b strings.Builder
	b.Grow(len(m.Name) + 80)
	b.WriteString(m.Name + " is " + m.Current.String())
	switch m.Current.Kind {
	case autoscalingv2.AverageValueMetricType:
		b.WriteString(" per replica")
	case autoscalingv2.UtilizationMetricType:
		b.WriteString(" of the request")
	}
	b.WriteString(", target " + m.Target.String())
	switch {
	case m.Verdict == WithinTolerance:
		b.WriteString(", within the tolerance: ")
	case m.Verdict == WouldReverse:
		b.WriteString(", but replicas that are missing or unready could turn that around: ")
	default:
		b.WriteString(": ")
	}
	if m.Replicas == current {
		b.WriteString(strconv.Itoa(int(m.Replicas)) + " still right")
	} else {
		b.WriteString(strconv.Itoa(int(m.Replicas)) + " recommended")
	}
	return b.String()
}
