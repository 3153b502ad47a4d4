package hpa

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Reason says the decision and what led to it for people, in one sentence. It is put together when it is asked for: most
// decisions of a history change nothing, and nobody reads why.
func (d *Decision) Reason() string {
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
		b.WriteString("; " + d.unknown())
	}
	return b.String()
}

func (d *Decision) explainSteps(b *strings.Builder) {
	s := d.Steps
	if s.Stabilized != s.Recommended {
		fmt.Fprintf(b, "; held at %d by the stabilisation window", s.Stabilized)
		if left := d.StabilizedUntil.Sub(d.At).Round(time.Second); left > 0 {
			fmt.Fprintf(b, " for another %s", left)
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
	default:
		fmt.Fprintf(b, "; limited by policy: %s, so %d", d.Policy, s.Limited)
	}
}

// defaultCeilingText says what [defaultCeiling] does.
const defaultCeilingText = "the double at most, but always 4"

// policyText says a policy in the words of people.
func policyText(p *autoscalingv2.HPAScalingPolicy) string {
	switch {
	case p == nil:
		return "never in this direction"
	case p.Type == autoscalingv2.PercentScalingPolicy:
		return fmt.Sprintf("%d%% per %d s", p.Value, p.PeriodSeconds)
	case p.Value == 1:
		return fmt.Sprintf("1 pod per %d s", p.PeriodSeconds)
	}
	return fmt.Sprintf("%d pods per %d s", p.Value, p.PeriodSeconds)
}

func (d *Decision) explainHold() string {
	switch {
	case len(d.Metrics) == 0:
		return fmt.Sprintf("held at %d: the spec has no metrics", d.Current)
	case d.Chosen < 0:
		return fmt.Sprintf("held at %d: %s", d.Current, d.unknown())
	}
	return fmt.Sprintf("held at %d although %s; %s", d.Current, d.Metrics[d.Chosen].explain(d.Current), d.unknown())
}

// unknown says of each metric without a usable value why it has none: in the reading's own words, without those that
// Kubernetes puts before them.
func (d *Decision) unknown() string {
	var parts []string
	for i := range d.Metrics {
		err := d.Metrics[i].Err
		if err == nil {
			continue
		}
		if cause := d.Metrics[i].cause; cause != nil {
			err = cause
		}
		name := d.Metrics[i].Name
		if name == "" {
			name = fmt.Sprintf("metric %d", i+1)
		}
		parts = append(parts, fmt.Sprintf("%s is not known: %v", name, err))
	}
	return strings.Join(parts, "; ")
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
