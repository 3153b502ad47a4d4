package replay

import "time"

// Report is what a replay found. Its JSON is described in docs/reference/replay.md.
type Report struct {
	Namespace   string     `json:"namespace"`
	Name        string     `json:"name"`
	From        time.Time  `json:"from"` // of the first sync
	To          time.Time  `json:"to"`   // of the last
	Syncs       int        `json:"syncs"`
	SyncSeconds float64    `json:"syncSeconds,omitempty"` // left out for recorded syncs
	Metrics     []Metric   `json:"metrics"`
	Inputs      []Input    `json:"inputs"`
	Assumptions []string   `json:"assumptions"`
	Scenarios   []Scenario `json:"scenarios"`
}

// Metric is one metric of the spec.
type Metric struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Target string `json:"target"`
	Query  string `json:"query"`
}

// Input says where something was read, or what was assumed instead.
type Input struct {
	What string `json:"what"`
	From string `json:"from"`
}

// Scenario is one way in which it would have gone.
type Scenario struct {
	Name string `json:"name"`
	// Simulated is true where the decisions had consequences: pods came and went, and the load was spread over them.
	Simulated bool       `json:"simulated"`
	Spec      string     `json:"spec"`    // what matters of it, on one line
	Targets   []float64  `json:"targets"` // per metric, in its unit or in percent
	Summary   Summary    `json:"summary"`
	Agreement *Agreement `json:"agreement,omitempty"`
	Holds     []Hold     `json:"holds"`  // most frequent first
	Events    []Event    `json:"events"` // oldest first, at most maxEvents
	MoreEvent int        `json:"moreEvents,omitempty"`
	Chart     Chart      `json:"chart"`
}

// Summary is a scenario in numbers.
type Summary struct {
	// ReplicaHours, and the least and most replicas, are of those that were asked for: by the decisions, or as recorded.
	ReplicaHours float64 `json:"replicaHours"`
	Least        int32   `json:"leastReplicas"`
	Most         int32   `json:"mostReplicas"`
	// MinutesAboveTarget is how long a metric was above its target, however little.
	MinutesAboveTarget float64 `json:"minutesAboveTarget"`
	// MinutesAtMaximum is how long the metrics asked for more than the maximum.
	MinutesAtMaximum float64 `json:"minutesAtMaximum"`
	MinutesHeld      float64 `json:"minutesHeld"` // for want of a value
	Ups              int     `json:"ups"`
	Downs            int     `json:"downs"`
	// Flaps are changes in the other direction than the one before, within FlapWindow of it.
	Flaps       int     `json:"flaps"`
	FlapMinutes float64 `json:"flapWindowMinutes"`
	Held        int     `json:"held"`       // decisions; as are those that follow
	Limited     int     `json:"limited"`    // by a policy
	Stabilized  int     `json:"stabilized"` // by a stabilisation window
	Undecided   int     `json:"undecided"`  // syncs for which spec.replicas is not recorded
}

// Agreement compares decisions with those of the recorded controller.
type Agreement struct {
	Compared    int          `json:"compared"`
	Same        int          `json:"same"`
	OneSync     int          `json:"withinOneSync"` // between what the controller asked for a sync before and a sync after
	Different   int          `json:"different"`
	Differences []Difference `json:"differences,omitempty"` // the first maxDifferences, those within one sync included
}

// Difference is a sync at which the recorded controller asked for something else.
type Difference struct {
	At      time.Time `json:"at"`
	Ours    int32     `json:"ours"`
	Theirs  int32     `json:"theirs"`
	OneSync bool      `json:"withinOneSync"`
	Reason  string    `json:"reason"` // of ours
}

// Hold is why decisions held.
type Hold struct {
	Metric    string `json:"metric"`
	Reason    string `json:"reason"`
	Decisions int    `json:"decisions"`
}

// Event is a change, or the beginning or end of a time without a value.
type Event struct {
	At     time.Time `json:"at"`
	Kind   EventKind `json:"kind"`
	From   int32     `json:"from"`
	To     int32     `json:"to"`
	Metric string    `json:"metric,omitempty"` // the one that decided
	Value  string    `json:"value,omitempty"`
	Target string    `json:"target,omitempty"`
	Reason string    `json:"reason"`
}

// EventKind says what happened.
type EventKind string

// As the controller's events.
const (
	ScaledUp   EventKind = "scaledUp"
	ScaledDown EventKind = "scaledDown"
	Holding    EventKind = "holding"
	Resumed    EventKind = "resumed"
)

// Chart is a scenario over time, in at most maxChart columns of the same width.
type Chart struct {
	StepSeconds float64  `json:"stepSeconds"`
	Columns     []Column `json:"columns"`
}

// Column is a stretch of time.
type Column struct {
	At       time.Time  `json:"at"`       // its beginning
	Replicas *int32     `json:"replicas"` // the most; null: not known
	Values   []*float64 `json:"values"`   // per metric the largest value as the algorithm compares it; null: not known
	Held     bool       `json:"held,omitempty"`
}

// ReplicasValue returns the replicas as a value to draw, or nil if they are not known.
func (c *Column) ReplicasValue() *float64 {
	if c.Replicas == nil {
		return nil
	}
	v := float64(*c.Replicas)
	return &v
}

const (
	maxEvents      = 10_000
	maxDifferences = 100
	maxChart       = 480
)
