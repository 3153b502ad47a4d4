package window_test

import (
	"testing"
	"time"

	"github.com/truecount/truecount/demo/servicewindow/window"
)

// zones whose clocks change in all the ways that there are: north, south, by half an hour, at midnight, never, by a day.
var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu",
	"Africa/Casablanca", "Pacific/Apia", "America/St_Johns", "Asia/Tehran"}

// FuzzMomentsAgreeWithAMinuteByMinuteSearch looks for starts the slow way: by the clock of every minute around now.
func FuzzMomentsAgreeWithAMinuteByMinuteSearch(f *testing.F) {
	f.Add(uint8(0b0111110), uint16(9*60), uint16(480), uint8(1), int64(1763618400))
	f.Add(uint8(0b1000000), uint16(22*60), uint16(480), uint8(1), int64(1743285600)) // the night of 2025-03-29 in Berlin
	f.Add(uint8(0b0000001), uint16(2*60+30), uint16(60), uint8(1), int64(1761438600))
	f.Add(uint8(0b1111111), uint16(0), uint16(1440), uint8(4), int64(1759593600))
	f.Add(uint8(0b0100000), uint16(600), uint16(60), uint8(7), int64(1325275200))
	f.Fuzz(func(t *testing.T, days uint8, start, minutes uint16, where uint8, unix int64) {
		w := window.Window{
			Days: window.Days(days & 0b1111111), Start: window.TimeOfDay(start % 1440),
			Length: time.Duration(minutes%1441) * time.Minute, Zone: zone(t, zones[int(where)%len(zones)]),
		}
		if w.Check() != nil {
			return
		}
		const year2000, span = 946684800, 35 * 366 * 24 * 3600
		now := time.Unix(year2000+(unix%span+span)%span, 0)
		m := w.At(now)

		if m.LastStart.After(now) || !m.NextStart.After(now) || m.LastEnd.After(now) || !m.NextEnd.After(now) {
			t.Fatalf("%+v at %v: %+v", w, now, m)
		}
		if again := w.At(m.LastStart); !again.LastStart.Equal(m.LastStart) || !again.In || !again.NextStart.Equal(m.NextStart) {
			t.Errorf("%+v: at its start %v: %+v", w, m.LastStart, again)
		}
		if again := w.At(m.NextStart.Add(-time.Nanosecond)); !again.NextStart.Equal(m.NextStart) || !again.LastStart.Equal(m.LastStart) {
			t.Errorf("%+v: just before its start %v: %+v", w, m.NextStart, again)
		}
		slow, sure := search(w, now)
		if sure && (!slow.LastStart.Equal(m.LastStart) || !slow.NextStart.Equal(m.NextStart) || !slow.LastEnd.Equal(m.LastEnd) ||
			!slow.NextEnd.Equal(m.NextEnd) || slow.In != m.In) {
			t.Errorf("%+v at %v:\ngot  %+v\nwant %+v", w, now.In(w.Zone), m, slow)
		}
	})
}

// search finds the moments minute by minute. It is not sure where a clock in reach skips a start: no minute shows it.
func search(w window.Window, now time.Time) (m window.Moments, sure bool) {
	shown := map[string]bool{} // days whose start was seen
	from := now.Truncate(time.Minute).Add(-9 * 24 * time.Hour)
	for t := from; t.Before(now.Add(9 * 24 * time.Hour)); t = t.Add(time.Minute) {
		local := t.In(w.Zone)
		day := local.Format(time.DateOnly)
		if !w.Days.Has(local.Weekday()) || local.Hour()*60+local.Minute() != int(w.Start) || shown[day] {
			continue
		}
		shown[day] = true
		end := t.Add(w.Length)
		if t.After(now) {
			if m.NextStart.IsZero() {
				m.NextStart = t
			}
		} else {
			m.LastStart = t
		}
		if end.After(now) {
			if m.NextEnd.IsZero() {
				m.NextEnd = end
			}
		} else {
			m.LastEnd = end
		}
		m.In = m.In || !t.After(now) && end.After(now)
	}
	for d := -8; d <= 8; d++ {
		year, month, day := now.In(w.Zone).Date()
		date := time.Date(year, month, day+d, 12, 0, 0, 0, time.UTC)
		if w.Days.Has(date.Weekday()) && !shown[date.Format(time.DateOnly)] {
			return m, false
		}
	}
	return m, true
}
