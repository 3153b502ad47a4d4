package store

import (
	"time"

	"github.com/truecount/truecount/demo/servicewindow/window"
)

// seeds are what a new table has, so that there is something to see: by day, around the clock, overnight, once a week.
func seeds() []Component {
	const workDays = window.Days(1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday)
	const everyDay = workDays | 1<<time.Saturday | 1<<time.Sunday
	daily := func(days window.Days, hour int, length time.Duration) window.Window {
		return window.Window{Days: days, Start: window.TimeOfDay(hour * 60), Length: length, Zone: time.UTC}
	}
	return []Component{
		{Name: "checkout", Labels: map[string]string{"team": "payments", "tier": "1"}, Window: daily(everyDay, 0, 24*time.Hour)},
		{Name: "back-office", Labels: map[string]string{"team": "operations", "tier": "2"}, Window: daily(workDays, 8, 10*time.Hour)},
		{Name: "nightly-batch", Labels: map[string]string{"team": "operations", "tier": "3"}, Window: daily(everyDay, 22, 6*time.Hour)},
		{Name: "newsletter", Labels: map[string]string{"team": "marketing", "tier": "3"}, Window: daily(window.On(time.Tuesday), 10, 90*time.Minute)},
	}
}
