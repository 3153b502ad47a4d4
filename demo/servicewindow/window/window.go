package window

import (
	"errors"
	"fmt"
	"time"
)

// A Window recurs every week on Days. The zero Window is not valid.
type Window struct {
	// Days on which it starts; an overnight window ends on the day after.
	Days Days
	// Start is the time of day at which it starts, on the clocks of Zone.
	Start TimeOfDay
	// Length is how long it lasts, on a stopwatch: in a night in which clocks change it ends as much earlier or later on the
	// clock. At most a day.
	Length time.Duration
	// Zone is the time zone.
	Zone *time.Location
}

// Longest is how long a window may last: with more, one would start within itself.
const Longest = 24 * time.Hour

// Check says what is wrong with a window.
func (w Window) Check() error {
	switch {
	case w.Days == 0:
		return errors.New("the window is on no day of the week")
	case w.Start < 0 || w.Start >= minutesPerDay:
		return errors.New("the window starts at no time of day: want 00:00 to 23:59")
	case w.Length < time.Minute || w.Length > Longest:
		return fmt.Errorf("the window lasts %s: want a minute to %s", w.Length, Longest)
	case w.Zone == nil:
		return errors.New("the window has no time zone")
	}
	return nil
}

// A Span is one occurrence of a window: it holds From, and no longer To.
type Span struct{ From, To time.Time }

// Holds reports whether t is within the span.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Moments are where a moment stands among the occurrences of a window.
type Moments struct {
	LastStart time.Time // the newest start that has come: that of the current occurrence, if there is one
	LastEnd   time.Time // the newest end that has come; never one that is still to come
	NextStart time.Time // the first start still to come
	NextEnd   time.Time // the first end still to come: that of the current occurrence, if there is one
	In        bool      // within an occurrence
}

// reach is farther than any neighbouring start or end can be from a moment: a week, a day's length, and a day for clocks
// that change.
const reach = 9

// At returns where now stands. At the very moment of a start the window has begun, at that of an end it is over. The window
// must be valid ([Window.Check]).
func (w Window) At(now time.Time) Moments {
	var m Moments
	for _, s := range w.around(now, reach) {
		if s.From.After(now) {
			m.NextStart = earliest(m.NextStart, s.From)
		} else {
			m.LastStart = latest(m.LastStart, s.From)
		}
		if s.To.After(now) {
			m.NextEnd = earliest(m.NextEnd, s.To)
		} else {
			m.LastEnd = latest(m.LastEnd, s.To)
		}
		m.In = m.In || s.Holds(now)
	}
	return m
}

// Between lists the occurrences that have a part between from and to, in their order.
func (w Window) Between(from, to time.Time) []Span {
	middle := from.Add(to.Sub(from) / 2)
	var spans []Span
	for _, s := range w.around(middle, int(to.Sub(from)/(48*time.Hour))+3) {
		if s.To.After(from) && s.From.Before(to) {
			spans = append(spans, s)
		}
	}
	return spans
}

// around lists the occurrences that start so many days or fewer before or after a moment's.
func (w Window) around(t time.Time, days int) []Span {
	year, month, day := t.In(w.Zone).Date()
	var spans []Span
	for d := day - days; d <= day+days; d++ {
		date := time.Date(year, month, d, 0, 0, 0, 0, time.UTC) // a date in the calendar, whatever the zone
		if w.Days.Has(date.Weekday()) {
			start := onClock(date.Add(time.Duration(w.Start)*time.Minute), w.Zone)
			spans = append(spans, Span{start, start.Add(w.Length)})
		}
	}
	return spans
}

// onClock returns the moment at which the clocks of a zone show what wall shows in UTC. As in iCalendar (RFC 5545, section
// 3.3.5), a time that clocks show twice is the first of the two; one that they skip is read by the offset from before.
// time.Date leaves open what it does with these.
func onClock(wall time.Time, zone *time.Location) time.Time {
	before, after := offset(wall.Add(-24*time.Hour), zone), offset(wall.Add(24*time.Hour), zone)
	byBefore, byAfter := wall.Add(-before), wall.Add(-after)
	if offset(byBefore, zone) != before && offset(byAfter, zone) == after {
		return byAfter.In(zone)
	}
	return byBefore.In(zone)
}

// offset is how far ahead of UTC the clocks of a zone are at a moment.
func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

func earliest(known, t time.Time) time.Time {
	if known.IsZero() || t.Before(known) {
		return t
	}
	return known
}

func latest(known, t time.Time) time.Time {
	if known.IsZero() || t.After(known) {
		return t
	}
	return known
}
