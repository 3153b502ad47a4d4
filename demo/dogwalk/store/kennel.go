package store

import (
	"errors"
	"time"
)

// Errors that callers tell apart with errors.Is. Everything else means that the database did not do its work.
var (
	// ErrNotFound means that there is no row with that id.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyComplete means that the walk had ended before.
	ErrAlreadyComplete = errors.New("the walk is already complete")
	// ErrUnknownDogOrWalker means that a walk names a dog or a walker that does not exist (any more).
	ErrUnknownDogOrWalker = errors.New("no such dog or walker")
)

// Size is how big a dog is.
type Size string

// The sizes, smallest first. DefaultSize is what a dog gets that comes without one.
const (
	ExtraSmall  Size = "xs"
	Small       Size = "sm"
	Medium      Size = "md"
	Large       Size = "lg"
	ExtraLarge  Size = "xl"
	DefaultSize      = Medium
)

// Sizes lists every size, smallest first.
func Sizes() []Size { return []Size{ExtraSmall, Small, Medium, Large, ExtraLarge} }

// Name is the size in words.
func (s Size) Name() string {
	switch s {
	case ExtraSmall:
		return "extra small"
	case Small:
		return "small"
	case Medium:
		return "medium"
	case Large:
		return "large"
	case ExtraLarge:
		return "extra large"
	}
	return "unknown"
}

// A Walker takes dogs for walks.
type Walker struct {
	ID    int64
	Name  string
	Email string
}

// A Dog is taken for walks. Its age is in years.
type Dog struct {
	ID   int64
	Name string
	Size Size `gorm:"default:md"`
	Age  int
}

// A Walk is one dog out with one walker. Its distance, in metres, is 0 until the walk is complete. It goes with the dog
// or the walker: the database deletes it.
type Walk struct {
	ID        int64
	DogID     int64
	Dog       Dog `gorm:"constraint:OnDelete:CASCADE"`
	WalkerID  int64
	Walker    Walker `gorm:"constraint:OnDelete:CASCADE"`
	Distance  int    `gorm:"default:0"`
	StartTime time.Time
	EndTime   time.Time `gorm:"default:null"` // zero, and NULL in the table, until the walk is complete
}

// IsComplete reports whether the walk has ended. It follows from the times, so that the two can't disagree.
func (w Walk) IsComplete() bool { return !w.EndTime.IsZero() }

// InProgress reports whether the walk has started and not ended.
func (w Walk) InProgress() bool { return !w.StartTime.IsZero() && !w.IsComplete() }

// Duration is how long the walk took, or has taken until now.
func (w Walk) Duration(now time.Time) time.Duration {
	if w.IsComplete() {
		now = w.EndTime
	}
	return now.Sub(w.StartTime)
}

// closing is the one row that says until when no walk starts.
type closing struct {
	ID    int64
	Until time.Time
}

// TableName is what GORM would make a plural of.
func (closing) TableName() string { return "closing" }
