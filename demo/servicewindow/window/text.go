package window

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const minutesPerDay = 24 * 60

// TimeOfDay is a time on the clock, in minutes since midnight.
type TimeOfDay int

// ParseTimeOfDay reads a time as 09:30, from 00:00 to 23:59.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%q is not a time of day: want 00:00 to 23:59", s)
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), nil
}

// String writes the time as 09:30.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t/60, t%60) }

// Days is a set of days of the week.
type Days uint8

// dayNames are the days as they are written and read, a week from Monday on.
var dayNames = []struct {
	day  time.Weekday
	name string
}{
	{time.Monday, "mon"}, {time.Tuesday, "tue"}, {time.Wednesday, "wed"}, {time.Thursday, "thu"},
	{time.Friday, "fri"}, {time.Saturday, "sat"}, {time.Sunday, "sun"},
}

// On returns the set of these days.
func On(days ...time.Weekday) (set Days) {
	for _, d := range days {
		set |= 1 << d
	}
	return set
}

// Has reports whether the day is in the set.
func (d Days) Has(day time.Weekday) bool { return d&(1<<day) != 0 }

// ParseDays reads days as mon,tue,fri; in any order, and each may be given more than once.
func ParseDays(s string) (set Days, err error) {
	for word := range strings.SplitSeq(s, ",") {
		found := false
		for _, d := range dayNames {
			if strings.EqualFold(strings.TrimSpace(word), d.name) {
				set |= On(d.day)
				found = true
			}
		}
		if !found {
			return 0, fmt.Errorf("%q is not a day of the week: want some of mon,tue,wed,thu,fri,sat,sun", strings.TrimSpace(word))
		}
	}
	return set, nil
}

// String writes the days as mon,tue,fri.
func (d Days) String() string {
	var names []string
	for _, day := range dayNames {
		if d.Has(day.day) {
			names = append(names, day.name)
		}
	}
	return strings.Join(names, ",")
}

// ParseZone reads the name of a time zone as the IANA database has it, such as Europe/Berlin or UTC.
func ParseZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("the time zone is not named: want one like Europe/Berlin or UTC")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone: want one like Europe/Berlin or UTC", name)
	}
	return zone, nil
}
