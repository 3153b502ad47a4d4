package replay

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// tally counts what a scenario's decisions add up to.
type tally struct {
	flapWindow time.Duration
	summary    Summary
	events     []Event
	more       int
	holds      map[hold]int
	chart      charter
	any        bool
	last       step
	lastChange time.Time
	lastUp     bool
}

// hold is one metric's reason to hold.
type hold struct{ metric, reason string }

// add takes in a decision. Replicas are how many are asked for until the next: what was decided, or what there was.
func (t *tally) add(m *moment, d *hpa.Decision, replicas int32) {
	s, minutes := &t.summary, m.lasts.Minutes()
	s.ReplicaHours += float64(replicas) * m.lasts.Hours()
	if !t.any {
		s.Least, s.Most, t.any = replicas, replicas, true
	}
	s.Least, s.Most = min(s.Least, replicas), max(s.Most, replicas)
	if aboveTarget(d) {
		s.MinutesAboveTarget += minutes
	}
	switch d.Outcome {
	case hpa.Held:
		s.Held++
		s.MinutesHeld += minutes
	case hpa.Computed:
		t.steps(d, minutes)
	}
	t.whyNot(d)
	t.change(d)
	t.last = stepOf(d)
	t.chart.add(m.at, d, replicas)
}

// steps counts what kept recommendations from being followed.
func (t *tally) steps(d *hpa.Decision, minutes float64) {
	if d.Steps.Stabilized != d.Steps.Recommended {
		t.summary.Stabilized++
	}
	if d.Steps.Stabilized > d.Max {
		t.summary.MinutesAtMaximum += minutes
	}
	if d.Policy != "" {
		t.summary.Limited++
	}
}

// whyNot counts metrics that are not known, whether the decision held for it or not.
func (t *tally) whyNot(d *hpa.Decision) {
	for i := range d.Metrics {
		if err := d.Metrics[i].Err; err != nil {
			if t.holds == nil {
				t.holds = map[hold]int{}
			}
			const kinds = 1000 // of reasons: an answer of a server may be different each time
			if k := (hold{d.Metrics[i].Name, innermost(err)}); len(t.holds) < kinds || t.holds[k] > 0 {
				t.holds[k]++
			}
		}
	}
}

// innermost is the reason itself, without which pod it was and what was asked for.
func innermost(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

func (t *tally) change(d *hpa.Decision) {
	e := Event{At: d.At, From: d.Current, To: d.Desired}
	before := t.last.outcome
	switch up := d.Desired > d.Current; {
	case d.Desired != d.Current && d.Desired == t.last.desired && d.Current == t.last.current:
		return // the same once more: nobody followed it
	case d.Desired != d.Current:
		if !t.lastChange.IsZero() && t.lastUp != up && d.At.Sub(t.lastChange) <= t.flapWindow {
			t.summary.Flaps++
		}
		t.lastChange, t.lastUp = d.At, up
		e.Kind = ScaledDown
		if up {
			e.Kind = ScaledUp
			t.summary.Ups++
		} else {
			t.summary.Downs++
		}
	case d.Outcome == hpa.Held && before != hpa.Held:
		e.Kind = Holding
	case d.Outcome != hpa.Held && before == hpa.Held:
		e.Kind = Resumed
	default:
		return
	}
	if i := d.Chosen; i >= 0 {
		e.Metric, e.Value, e.Target = d.Metrics[i].Name, d.Metrics[i].Current.String(), d.Metrics[i].Target.String()
	}
	if len(t.events) == maxEvents {
		t.more++
		return
	}
	e.Reason = d.Reason()
	t.events = append(t.events, e)
}

// undecided notes a sync without decision.
func (t *tally) undecided(m *moment) {
	t.summary.Undecided++
	t.chart.add(m.at, nil, 0)
}

// reasons returns the reasons to hold, most frequent first.
func (t *tally) reasons() []Hold {
	out := []Hold{}
	for k, n := range t.holds {
		out = append(out, Hold{k.metric, k.reason, n})
	}
	slices.SortFunc(out, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(b.Decisions, a.Decisions), strings.Compare(a.Metric+a.Reason, b.Metric+b.Reason))
	})
	return out
}

// aboveTarget says whether a metric that is known is above its target.
func aboveTarget(d *hpa.Decision) bool {
	for i := range d.Metrics {
		m := &d.Metrics[i]
		above := m.Current.Milli > m.Target.Milli
		if m.Target.Kind == autoscalingv2.UtilizationMetricType {
			above = m.Current.Percent > m.Target.Percent
		}
		if m.Err == nil && above {
			return true
		}
	}
	return false
}
