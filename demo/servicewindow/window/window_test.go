package window_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/truecount/truecount/demo/servicewindow/window"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := window.ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

const (
	everyDay = "mon,tue,wed,thu,fri,sat,sun"
	workDays = "mon,tue,wed,thu,fri"
)

func TestMomentsOfAWindow(t *testing.T) {
	const format = "2006-01-02 15:04:05"
	for name, c := range map[string]struct {
		days, start string
		length      time.Duration
		zone        string
		now         string // on the zone's clocks; with an offset behind it where they show it twice

		lastStart, lastEnd, nextStart, nextEnd string // the same
		in                                     bool
	}{
		// 2025-11-20 is a Thursday.
		"within": {workDays, "09:00", 8 * time.Hour, "UTC", "2025-11-20 12:00:00",
			"2025-11-20 09:00:00", "2025-11-19 17:00:00", "2025-11-21 09:00:00", "2025-11-20 17:00:00", true},
		"before the first of the day": {workDays, "09:00", 8 * time.Hour, "UTC", "2025-11-20 08:59:59",
			"2025-11-19 09:00:00", "2025-11-19 17:00:00", "2025-11-20 09:00:00", "2025-11-20 17:00:00", false},
		"exactly at the start it has begun": {workDays, "09:00", 8 * time.Hour, "UTC", "2025-11-20 09:00:00",
			"2025-11-20 09:00:00", "2025-11-19 17:00:00", "2025-11-21 09:00:00", "2025-11-20 17:00:00", true},
		"a second before the end": {workDays, "09:00", 8 * time.Hour, "UTC", "2025-11-20 16:59:59",
			"2025-11-20 09:00:00", "2025-11-19 17:00:00", "2025-11-21 09:00:00", "2025-11-20 17:00:00", true},
		"exactly at the end it is over, and the last end is now": {workDays, "09:00", 8 * time.Hour, "UTC", "2025-11-20 17:00:00",
			"2025-11-20 09:00:00", "2025-11-20 17:00:00", "2025-11-21 09:00:00", "2025-11-21 17:00:00", false},
		"over the weekend": {workDays, "09:00", 8 * time.Hour, "UTC", "2025-11-22 12:00:00",
			"2025-11-21 09:00:00", "2025-11-21 17:00:00", "2025-11-24 09:00:00", "2025-11-24 17:00:00", false},

		"overnight, in the evening": {"sat", "22:00", 6 * time.Hour, "UTC", "2025-11-22 23:00:00",
			"2025-11-22 22:00:00", "2025-11-16 04:00:00", "2025-11-29 22:00:00", "2025-11-23 04:00:00", true},
		"overnight, after midnight, on a day that is not in the set": {"sat", "22:00", 6 * time.Hour, "UTC", "2025-11-23 03:59:59",
			"2025-11-22 22:00:00", "2025-11-16 04:00:00", "2025-11-29 22:00:00", "2025-11-23 04:00:00", true},
		"overnight, at its end": {"sat", "22:00", 6 * time.Hour, "UTC", "2025-11-23 04:00:00",
			"2025-11-22 22:00:00", "2025-11-23 04:00:00", "2025-11-29 22:00:00", "2025-11-30 04:00:00", false},
		"once a week, seen from just before the next": {"thu", "12:00", time.Minute, "UTC", "2025-11-20 11:59:59",
			"2025-11-13 12:00:00", "2025-11-13 12:01:00", "2025-11-20 12:00:00", "2025-11-20 12:01:00", false},

		"whole days without a gap: one ends when the next starts": {everyDay, "00:00", 24 * time.Hour, "UTC", "2025-11-20 00:00:00",
			"2025-11-20 00:00:00", "2025-11-20 00:00:00", "2025-11-21 00:00:00", "2025-11-21 00:00:00", true},
		"the days are the zone's own": {"fri", "01:00", time.Hour, "Asia/Tokyo", "2025-11-21 01:30:00", // Thursday in UTC
			"2025-11-21 01:00:00", "2025-11-14 02:00:00", "2025-11-28 01:00:00", "2025-11-21 02:00:00", true},
		"a zone of quarter hours": {workDays, "09:00", time.Hour, "Asia/Kathmandu", "2025-11-20 09:15:00",
			"2025-11-20 09:00:00", "2025-11-19 10:00:00", "2025-11-21 09:00:00", "2025-11-20 10:00:00", true},

		// Berlin's clocks go from 02:00 to 03:00 on 2025-03-30, and from 03:00 back to 02:00 on 2025-10-26.
		"the start stays on the clock when clocks change": {everyDay, "09:00", time.Hour, "Europe/Berlin", "2025-03-30 08:00:00",
			"2025-03-29 09:00:00", "2025-03-29 10:00:00", "2025-03-30 09:00:00", "2025-03-30 10:00:00", false},
		"the length is a stopwatch's: in spring it ends later on the clock": {"sat", "22:00", 8 * time.Hour, "Europe/Berlin", "2025-03-30 06:30:00",
			"2025-03-29 22:00:00", "2025-03-23 06:00:00", "2025-04-05 22:00:00", "2025-03-30 07:00:00", true},
		"the length is a stopwatch's: in autumn it ends earlier": {"sat", "22:00", 8 * time.Hour, "Europe/Berlin", "2025-10-26 05:30:00",
			"2025-10-25 22:00:00", "2025-10-26 05:00:00", "2025-11-01 22:00:00", "2025-11-02 06:00:00", false},
		"a start that clocks skip is read by the offset from before": {"sun", "02:30", time.Hour, "Europe/Berlin", "2025-03-30 03:29:59",
			"2025-03-23 02:30:00", "2025-03-23 03:30:00", "2025-03-30 03:30:00", "2025-03-30 04:30:00", false},
		"a start that clocks show twice is the first": {"sun", "02:30", time.Hour, "Europe/Berlin", "2025-10-26 02:30:00 +0200",
			"2025-10-26 02:30:00 +0200", "2025-10-19 03:30:00", "2025-11-02 02:30:00", "2025-10-26 02:30:00 +0100", true},
		"and the second is no start": {"sun", "02:30", time.Hour, "Europe/Berlin", "2025-10-26 02:30:00 +0100",
			"2025-10-26 02:30:00 +0200", "2025-10-26 02:30:00 +0100", "2025-11-02 02:30:00", "2025-11-02 03:30:00", false},
		"a day of 23 hours: whole days overlap, and it stays within": {everyDay, "00:00", 24 * time.Hour, "Europe/Berlin", "2025-03-31 00:30:00",
			"2025-03-31 00:00:00", "2025-03-30 00:00:00", "2025-04-01 00:00:00", "2025-03-31 01:00:00", true},
		"a day of 25 hours: an hour is left over": {everyDay, "00:00", 24 * time.Hour, "Europe/Berlin", "2025-10-26 23:30:00",
			"2025-10-26 00:00:00", "2025-10-26 23:00:00", "2025-10-27 00:00:00", "2025-10-28 00:00:00", false},
		"west of Greenwich, midnight is skipped": {"sun", "00:00", time.Hour, "America/Santiago", "2025-09-07 01:00:00",
			"2025-09-07 01:00:00", "2025-08-31 01:00:00", "2025-09-14 00:00:00", "2025-09-07 02:00:00", true},
		"a day that a country left out": {"fri", "10:00", time.Hour, "Pacific/Apia", "2011-12-31 10:30:00", // 2011-12-30 never was
			"2011-12-31 10:00:00", "2011-12-23 11:00:00", "2012-01-06 10:00:00", "2011-12-31 11:00:00", true},
	} {
		t.Run(name, func(t *testing.T) {
			z := zone(t, c.zone)
			at := func(s string) time.Time {
				t.Helper()
				parsed, err := time.ParseInLocation(format, s, z)
				if strings.HasSuffix(s, "00") && len(s) > len(format) {
					parsed, err = time.Parse(format+" -0700", s)
				}
				if err != nil {
					t.Fatal(err)
				}
				return parsed
			}
			w := parse(t, c.days, c.start, c.length, z)
			m := w.At(at(c.now))
			for what, pair := range map[string][2]time.Time{
				"last start": {m.LastStart, at(c.lastStart)}, "last end": {m.LastEnd, at(c.lastEnd)},
				"next start": {m.NextStart, at(c.nextStart)}, "next end": {m.NextEnd, at(c.nextEnd)},
			} {
				if !pair[0].Equal(pair[1]) {
					t.Errorf("%s is %v, want %v", what, pair[0], pair[1].In(z))
				}
			}
			if m.In != c.in {
				t.Errorf("in the window: %v, want %v", m.In, c.in)
			}
		})
	}
}

func parse(t testing.TB, days, start string, length time.Duration, z *time.Location) window.Window {
	t.Helper()
	set, err := window.ParseDays(days)
	if err != nil {
		t.Fatal(err)
	}
	clock, err := window.ParseTimeOfDay(start)
	if err != nil {
		t.Fatal(err)
	}
	w := window.Window{Days: set, Start: clock, Length: length, Zone: z}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSpansBetweenAreInOrderAndTouchTheInterval(t *testing.T) {
	w := parse(t, workDays, "22:00", 4*time.Hour, time.UTC)
	from := time.Date(2025, 11, 20, 1, 0, 0, 0, time.UTC) // Thursday, within Wednesday's
	var starts []string
	for _, s := range w.Between(from, from.Add(7*24*time.Hour)) {
		starts = append(starts, s.From.Format("Mon 15:04"))
	}
	if got, want := strings.Join(starts, " "), "Wed 22:00 Thu 22:00 Fri 22:00 Mon 22:00 Tue 22:00 Wed 22:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := w.Between(from.Add(2*time.Hour), from.Add(3*time.Hour)); len(got) != 0 {
		t.Errorf("in the afternoon: %v", got)
	}
}

func TestWhatIsNoWindowIsSaid(t *testing.T) {
	good := parse(t, "mon", "09:00", time.Hour, time.UTC)
	for want, change := range map[string]func(w *window.Window){
		"no day":          func(w *window.Window) { w.Days = 0 },
		"no time of day":  func(w *window.Window) { w.Start = 24 * 60 },
		"lasts 0s":        func(w *window.Window) { w.Length = 0 },
		"lasts 24h0m1s":   func(w *window.Window) { w.Length = window.Longest + time.Second },
		"has no time zon": func(w *window.Window) { w.Zone = nil },
	} {
		w := good
		change(&w)
		if err := w.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

func TestTextsOfWindowsAreReadStrictly(t *testing.T) {
	for _, bad := range []string{"", "24:00", "9:00", "09:60", "09:00:00", "nine"} {
		if got, err := window.ParseTimeOfDay(bad); err == nil || !strings.Contains(err.Error(), "want 00:00 to 23:59") {
			t.Errorf("time %q: %v, %v", bad, got, err)
		}
	}
	for _, bad := range []string{"", "mon,", "monday", "8"} {
		if got, err := window.ParseDays(bad); err == nil || !strings.Contains(err.Error(), "want some of mon") {
			t.Errorf("days %q: %v, %v", bad, got, err)
		}
	}
	for _, bad := range []string{"", "Local", "Berlin", "../etc/passwd"} {
		if got, err := window.ParseZone(bad); err == nil || !strings.Contains(err.Error(), "Europe/Berlin") {
			t.Errorf("zone %q: %v, %v", bad, got, err)
		}
	}
	days, err := window.ParseDays("Sun, mon,sun")
	if err != nil || days.String() != "mon,sun" || days != window.On(time.Sunday, time.Monday) {
		t.Errorf("days are %v, %v", days, err)
	}
	if clock, err := window.ParseTimeOfDay("07:05"); err != nil || clock.String() != "07:05" {
		t.Errorf("time is %v, %v", clock, err)
	}
}
