package main

import (
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/replay"
)

// times fills in the range, and the recorded syncs if there are some.
func (f *replayFlags) times(o *replay.Options, source *openSource) error {
	now := time.Now()
	o.From, o.To = now.Add(-24*time.Hour), now
	if !source.first.IsZero() {
		o.From, o.To = source.first, source.last
	}
	if f.syncs != "" {
		file, err := os.Open(f.syncs)
		if err != nil {
			return hint.Errorf("--syncs names a file", "%w", err)
		}
		defer file.Close()
		if o.Recorded, err = replay.ReadSyncs(f.syncs, file); err != nil {
			return err
		}
		o.From, o.To = o.Recorded[0].At, o.Recorded[len(o.Recorded)-1].At
	}
	for _, bound := range []struct {
		flag, text string
		into       *time.Time
	}{{"from", f.from, &o.From}, {"to", f.to, &o.To}} {
		if bound.text == "" {
			continue
		}
		at, err := parseTime(bound.text, now)
		if err != nil {
			return hint.Errorf("write it as 2026-05-04T12:00:00Z, -7d or now", "--%s: %q is no time", bound.flag, bound.text)
		}
		*bound.into = at
	}
	if o.To.Before(o.From) {
		return hint.Errorf("give the earlier time with --from", "the end %s is before the beginning %s", o.To.Format(time.RFC3339), o.From.Format(time.RFC3339))
	}
	if o.Recorded == nil {
		// The same range gives the same instants, whenever it is asked for.
		o.From, o.To = o.From.Truncate(o.Sync), o.To.Truncate(o.Sync)
	}
	return nil
}

// parseTime reads a time, or how long before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if ago, is := strings.CutPrefix(text, "-"); is {
		d, err := model.ParseDuration(ago)
		return now.Add(-time.Duration(d)), err
	}
	return time.Parse(time.RFC3339, text)
}
