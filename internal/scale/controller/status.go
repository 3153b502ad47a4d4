package controller

import (
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// Status is the last decision with what goes with it.
type Status struct {
	hpa.Decision
	Name, Namespace string
	Running         int           // replicas that existed at the decision, without those that drain
	SyncPeriod      time.Duration // between two decisions
	Took            time.Duration // for asking and deciding
}

// Event is a change worth telling.
type Event struct {
	At       time.Time
	Kind     EventKind
	From, To int // replicas
	Reason   string
}

// EventKind says what happened.
type EventKind string

const (
	ScaledUp   EventKind = "scaledUp"
	ScaledDown EventKind = "scaledDown"
	Holding    EventKind = "holding" // a metric's value became unknown
	Resumed    EventKind = "resumed" // all metrics are known again
)
