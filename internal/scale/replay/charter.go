package replay

import (
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// charter sums decisions up in columns, few enough to draw.
type charter struct {
	begin, end time.Time
	sync       time.Duration // their usual distance at most
	columns    []Column
	metrics    int
}

// typical is the time between two syncs, rounded up for recorded ones: drawn more finely than that, every other column would be empty
// and no line go through.
func typical(o *Options) time.Duration {
	n := len(o.Recorded) - 1
	if n < 1 {
		return o.Sync
	}
	return (o.To.Sub(o.From) / time.Duration(n)).Truncate(time.Second) + time.Second
}

// width is that of a column: whole syncs, so that each has as many as the next.
func (c *charter) width() time.Duration {
	unit := max(c.sync, time.Second)
	w := (c.end.Sub(c.begin) + unit) / maxChart
	return max((w+unit-1)/unit, 1) * unit
}

// add takes in a decision, or nil where none was possible.
func (c *charter) add(at time.Time, d *hpa.Decision, replicas int32) {
	w := c.width()
	begin := c.begin.Add(at.Sub(c.begin) / w * w)
	if n := len(c.columns); n == 0 || !c.columns[n-1].At.Equal(begin) {
		c.columns = append(c.columns, Column{At: begin, Values: make([]*float64, c.metrics)})
	}
	column := &c.columns[len(c.columns)-1]
	if d == nil {
		return
	}
	if column.Replicas == nil || *column.Replicas < replicas {
		column.Replicas = &replicas
	}
	column.Held = column.Held || d.Outcome == hpa.Held
	for i := range d.Metrics {
		if d.Metrics[i].Err != nil {
			continue
		}
		if v := d.Metrics[i].Current.Float(); column.Values[i] == nil || *column.Values[i] < v {
			column.Values[i] = &v
		}
	}
}
