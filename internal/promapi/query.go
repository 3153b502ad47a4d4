package promapi

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/hint"
)

// Sample is a series' value at one time.
type Sample struct {
	Labels labels.Labels
	Time   time.Time // as the server answers: the time that was asked for, unless the query says otherwise
	Value  float64   // may be NaN or infinite
}

// Series is a series' values over time, oldest first.
type Series struct {
	Labels labels.Labels
	Points []Point
}

// Point is a value at a time.
type Point struct {
	Time  int64 // milliseconds since 1970
	Value float64
}

// Query evaluates an expression at a time; the zero time is the server's own now. A scalar is a sample without labels.
// No samples and no error means that the server found nothing.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	form := url.Values{"query": {expr}}
	if !at.IsZero() {
		form.Set("time", seconds(at))
	}
	var samples []Sample
	err := c.ask(ctx, question{path: "query", form: form, read: func(a *answer) error {
		return a.result(false, func(e element) error {
			if !e.single || len(e.points) != 1 {
				return faultf(Rejected, "answered with ranges, not with one value per series").
					with("a query like x[5m] is a range: take the rate, the maximum … of it")
			}
			samples = append(samples, Sample{Labels: e.labels, Time: time.UnixMilli(e.points[0].Time), Value: e.points[0].Value})
			return nil
		})
	}})
	if err != nil {
		return nil, err
	}
	return samples, nil
}

// maxSteps is how many points per series Prometheus gives in one answer.
const maxSteps = 11_000

// QueryRange evaluates an expression at start and every step after it until end. A range of more than 11,000 steps is asked
// for in parts. A series has no point where the expression found nothing.
func (c *Client) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]Series, error) {
	if step < time.Millisecond || step%time.Millisecond != 0 || end.Before(start) {
		return nil, hint.Errorf("times and steps are whole milliseconds, and the end is not before the start", "%s to %s every %s is no range", start, end, step)
	}
	var all []Series
	var places map[string]int // in all, by labels
	points := 0
	for from := start; !from.After(end); from = from.Add(maxSteps * step) {
		to := from.Add((maxSteps - 1) * step)
		if to.After(end) {
			to = end
		}
		part, err := c.part(ctx, expr, from, to, step, points)
		if err != nil {
			return nil, err
		}
		for _, s := range part {
			points += len(s.Points)
		}
		if all == nil {
			all = part
			continue
		}
		if places == nil {
			places = index(all)
		}
		all = join(all, places, part)
	}
	return all, nil
}

// part asks for a range that fits in one answer, and again if the server moved it. points is how many there are already.
func (c *Client) part(ctx context.Context, expr string, start, end time.Time, step time.Duration, points int) ([]Series, error) {
	form := url.Values{
		"query": {expr}, "start": {seconds(start)}, "end": {seconds(end)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', 3, 64)},
	}
	exact := c.exact.Load()
	if exact {
		form.Set(uncached, "1")
	}
	var part []Series
	aside := false
	err := c.ask(ctx, question{path: "query_range", form: form, read: func(a *answer) error {
		a.points = points
		return a.result(true, func(e element) error {
			switch {
			case !e.several:
				return faultf(NotUnderstood, "answered a range query with single values")
			case !onGrid(e.points, start.UnixMilli(), step.Milliseconds()):
				aside = true
				return moved()
			}
			part = append(part, Series{Labels: e.labels, Points: e.points})
			return nil
		})
	}})
	if aside && !exact {
		c.exact.Store(true)
		return c.part(ctx, expr, start, end, step, points)
	}
	return part, err
}

func index(all []Series) map[string]int {
	places := make(map[string]int, len(all))
	for i, s := range all {
		places[string(s.Labels.Bytes(nil))] = i
	}
	return places
}

// join adds the points of a later part.
func join(all []Series, places map[string]int, part []Series) []Series {
	var key []byte
	for _, s := range part {
		key = s.Labels.Bytes(key)
		if i, found := places[string(key)]; found {
			all[i].Points = append(all[i].Points, s.Points...)
			continue
		}
		places[string(key)] = len(all)
		all = append(all, s)
	}
	return all
}

// Series calls yield with the labels of every series that one of the matchers selects and that has data between start and
// end; zero times are left to the server. Nothing is kept: a million series need no more memory than one. An error of
// yield ends the call and is returned. After any error what was yielded is not all there is.
func (c *Client) Series(ctx context.Context, matchers []string, start, end time.Time, yield func(labels.Labels) error) error {
	form := url.Values{"match[]": matchers}
	if !start.IsZero() {
		form.Set("start", seconds(start))
	}
	if !end.IsZero() {
		form.Set("end", seconds(end))
	}
	return c.ask(ctx, question{path: "series", form: form, read: func(a *answer) error {
		return a.array(func() error {
			if err := a.count(); err != nil {
				return err
			}
			l, err := a.labels()
			if err != nil {
				return err
			}
			return yield(l)
		})
	}})
}

// seconds writes a time as the API reads it, to the millisecond.
func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
