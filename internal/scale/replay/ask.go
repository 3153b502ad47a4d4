package replay

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/promapi"
)

// clock yields the instants of the syncs.
type clock struct {
	instants []time.Time // recorded, or nil
	next, to time.Time
	step     time.Duration
}

func newClock(o *Options) *clock {
	if o.Recorded == nil {
		return &clock{next: o.From, to: o.To, step: o.Sync}
	}
	c := &clock{}
	for _, s := range o.Recorded {
		c.instants = append(c.instants, s.At)
	}
	return c
}

// ahead returns the next instants, n at most and none at the end.
func (c *clock) ahead(n int) (instants []time.Time) {
	if c.step == 0 {
		return c.instants[:min(len(c.instants), n)]
	}
	for at := c.next; len(instants) < n && !at.After(c.to); at = at.Add(c.step) {
		instants = append(instants, at)
	}
	return instants
}

// pass leaves the next n instants behind and returns the one after them; the zero time if there is none.
func (c *clock) pass(n int) time.Time {
	if c.step == 0 {
		c.instants = c.instants[n:]
	} else {
		c.next = c.next.Add(time.Duration(n) * c.step)
	}
	if following := c.ahead(1); len(following) > 0 {
		return following[0]
	}
	return time.Time{}
}

// asker asks a source for the values at the instants of a window.
type asker struct {
	source Source
	step   time.Duration // 0: the instants have no regular distance
}

// at returns a series for each that the expression finds at one of the instants.
func (a asker) at(ctx context.Context, expr string, instants []time.Time) ([]track, error) {
	if len(instants) == 0 {
		return nil, nil
	}
	if a.step > 0 {
		found, err := a.source.QueryRange(ctx, expr, instants[0], instants[len(instants)-1], a.step)
		return tracks(found), err
	}
	var all []promapi.Series
	places := map[string]int{}
	for _, at := range instants {
		samples, err := a.source.Query(ctx, expr, at)
		if err != nil {
			return nil, err
		}
		for _, s := range samples {
			key := string(s.Labels.Bytes(nil))
			i, known := places[key]
			if !known {
				i = len(all)
				places[key] = i
				all = append(all, promapi.Series{Labels: s.Labels})
			}
			all[i].Points = append(all[i].Points, promapi.Point{Time: at.UnixMilli(), Value: s.Value})
		}
	}
	return tracks(all), nil
}

// track is a series that is read once, forwards.
type track struct {
	labels         labels.Labels
	pod, namespace string
	points         []promapi.Point
}

func tracks(found []promapi.Series) []track {
	out := make([]track, len(found))
	for i, s := range found {
		out[i] = track{labels: s.Labels, pod: s.Labels.Get("pod"), namespace: s.Labels.Get("namespace"), points: s.Points}
	}
	return out
}

// at returns the value at a time that is not before the last that was asked for.
func (t *track) at(at time.Time) (float64, bool) {
	ms := at.UnixMilli()
	for len(t.points) > 0 && t.points[0].Time < ms {
		t.points = t.points[1:]
	}
	if len(t.points) > 0 && t.points[0].Time == ms {
		return t.points[0].Value, true
	}
	return 0, false
}
