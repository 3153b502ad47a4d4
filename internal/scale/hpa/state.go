package hpa

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// State is what one autoscaler remembers from decision to decision. The zero State is that of a new one. It is a value:
// Decide returns a new one and leaves the old as it was.
type State struct {
	Recommendations []Recommendation // in no order; some may be older than the stabilisation windows
	ScaleUps        []ScaleEvent     // changes that policies may still count, in no order
	ScaleDowns      []ScaleEvent
	Conditions      []autoscalingv2.HorizontalPodAutoscalerCondition
}

// Recommendation is what the metrics asked for at a time, before any limit.
type Recommendation struct {
	Replicas int32
	Time     time.Time
}

// ScaleEvent is a change that was made, in replicas, always positive.
type ScaleEvent struct {
	Change int32
	Time   time.Time
	// Outdated is set once the event was found older than the policies of its direction. It still counts where a period
	// says so, for instance that of a policy that was added later, until a new event takes its place.
	Outdated bool
}

// Condition returns the condition of the type, or nil if it was never set.
func (s State) Condition(t autoscalingv2.HorizontalPodAutoscalerConditionType) *autoscalingv2.HorizontalPodAutoscalerCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == t {
			c := s.Conditions[i]
			return &c
		}
	}
	return nil
}

func (s State) scaledToZero() bool {
	for i := range s.Conditions {
		if s.Conditions[i].Type == autoscalingv2.ScaledToZero {
			return s.Conditions[i].Status == corev1.ConditionTrue
		}
	}
	return false
}

// remember returns a copy of recs with the new one: in the place of the last that is older than cutoff if there is one, as
// Kubernetes does. The other old ones stay; they count again if the spec's window is made longer.
func remember(recs []Recommendation, cutoff time.Time, rec Recommendation) []Recommendation {
	kept := make([]Recommendation, len(recs), len(recs)+1)
	copy(kept, recs)
	for i := len(kept) - 1; i >= 0; i-- {
		if kept[i].Time.Before(cutoff) {
			kept[i] = rec
			return kept
		}
	}
	return append(kept, rec)
}

// note returns a copy of events with the new one: in the place of the last that is or was older than cutoff if there is
// one, as Kubernetes does. It matters: an event that is too old for the policies of its own direction may be young enough
// for the other's, and is forgotten at this very moment.
func note(events []ScaleEvent, cutoff time.Time, e ScaleEvent) []ScaleEvent {
	kept := make([]ScaleEvent, len(events), len(events)+1)
	copy(kept, events)
	last := -1
	for i := range kept {
		kept[i].Outdated = kept[i].Outdated || kept[i].Time.Before(cutoff)
		if kept[i].Outdated {
			last = i
		}
	}
	if last >= 0 {
		kept[last] = e
		return kept
	}
	return append(kept, e)
}

// changedWithin adds up the changes of the last period.
func changedWithin(events []ScaleEvent, now time.Time, periodSeconds int32) int64 {
	cutoff := now.Add(-time.Duration(periodSeconds) * time.Second)
	var sum int64
	for _, e := range events {
		if e.Time.After(cutoff) {
			sum += int64(e.Change)
		}
	}
	return sum
}
