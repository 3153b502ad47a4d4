package page

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/scale/replay"
)

// The charts are drawn in a box of this size, in units of which the reader's screen shows as many as it has room for.
const (
	width, height            = 1080, 250
	left, right, top, bottom = 56, 14, 12, 30
)

// Chart is a drawing with its legend.
type Chart struct {
	Title  string
	Legend []Legend
	SVG    template.HTML
}

// Legend names a line.
type Legend struct {
	Class, Name string
	Dashed      bool
}

func charts(r *replay.Report) []Chart {
	if len(r.Scenarios) == 0 || len(r.Scenarios[0].Chart.Columns) == 0 {
		return nil
	}
	out := []Chart{replicasChart(r)}
	for i := range r.Metrics {
		out = append(out, metricChart(r, i))
	}
	return out
}

func replicasChart(r *replay.Report) Chart {
	d := newDrawing(r)
	for _, s := range r.Scenarios {
		d.reach(float64(s.Summary.Most))
	}
	d.frame()
	c := Chart{Title: "Replicas"}
	for i, s := range r.Scenarios {
		d.line(colour(i), s, (*replay.Column).ReplicasValue, true)
		c.Legend = append(c.Legend, Legend{colour(i), s.Name, false})
	}
	d.titles(func(s *replay.Scenario, column *replay.Column) string {
		if column.Replicas == nil {
			return s.Name + ": not known"
		}
		return fmt.Sprintf("%s: %d", s.Name, *column.Replicas)
	})
	c.SVG = d.end("Replicas over time")
	return c
}

func metricChart(r *replay.Report, metric int) Chart {
	d := newDrawing(r)
	value := func(column *replay.Column) *float64 {
		if metric >= len(column.Values) {
			return nil
		}
		return column.Values[metric]
	}
	for i := range r.Scenarios {
		d.reach(r.Scenarios[i].Targets[metric])
		for j := range r.Scenarios[i].Chart.Columns {
			if v := value(&r.Scenarios[i].Chart.Columns[j]); v != nil {
				d.reach(*v)
			}
		}
	}
	d.frame()
	c := Chart{Title: r.Metrics[metric].Name + ", largest value as it is compared with the target"}
	drawn := map[float64]bool{}
	for i, s := range r.Scenarios {
		if target := s.Targets[metric]; !drawn[target] {
			drawn[target] = true
			d.level(colour(i), target)
			c.Legend = append(c.Legend, Legend{colour(i), "target " + number(target), true})
		}
	}
	for i, s := range r.Scenarios {
		d.line(colour(i), s, value, false)
		c.Legend = append(c.Legend, Legend{colour(i), s.Name, false})
	}
	d.titles(func(s *replay.Scenario, column *replay.Column) string {
		if v := value(column); v != nil {
			return fmt.Sprintf("%s: %s of %s", s.Name, number(*v), number(s.Targets[metric]))
		}
		return s.Name + ": not known"
	})
	c.SVG = d.end(r.Metrics[metric].Name + " over time")
	return c
}

// drawing is a chart in the making.
type drawing struct {
	report       *replay.Report
	begin, until time.Time
	most         float64
	body         strings.Builder
}

func newDrawing(r *replay.Report) *drawing {
	columns := r.Scenarios[0].Chart.Columns
	step := time.Duration(r.Scenarios[0].Chart.StepSeconds * float64(time.Second))
	return &drawing{report: r, begin: columns[0].At, until: columns[len(columns)-1].At.Add(step)}
}

func (d *drawing) reach(v float64) { d.most = max(d.most, v) }

func (d *drawing) x(at time.Time) float64 {
	return left + (width-left-right)*at.Sub(d.begin).Seconds()/d.until.Sub(d.begin).Seconds()
}

func (d *drawing) y(v float64) float64 { return height - bottom - (height-top-bottom)*v/d.most }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.body, format+"\n", args...) }

// frame draws the times in which decisions held, the grid and the axes.
func (d *drawing) frame() {
	step := niceStep(d.most / 4)
	d.most = max(step, math.Ceil(d.most*1.02/step)*step)
	d.held()
	for v := 0.0; v <= d.most*1.0001; v += step {
		d.add(`<path class="grid" d="M%d %.1fH%d"/><text class="axis" x="%d" y="%.1f" text-anchor="end">%s</text>`, left, d.y(v), width-right, left-8, d.y(v)+4, number(v))
	}
	every, layout := ticks(d.until.Sub(d.begin))
	for at := d.begin.Truncate(every); !at.After(d.until); at = at.Add(every) {
		if x := d.x(at); x >= left && x <= width-right-20 {
			d.add(`<path class="grid" d="M%.1f %dV%d"/><text class="axis" x="%.1f" y="%d" text-anchor="middle">%s</text>`, x, top, height-bottom, x, height-bottom+18, at.UTC().Format(layout))
		}
	}
}

// held shades the times in which the first scenario held.
func (d *drawing) held() {
	chart := d.report.Scenarios[0].Chart
	for i := 0; i < len(chart.Columns); i++ {
		first := i
		for i < len(chart.Columns) && chart.Columns[i].Held {
			i++
		}
		if i > first {
			end := d.until
			if i < len(chart.Columns) {
				end = chart.Columns[i].At
			}
			from, to := d.x(chart.Columns[first].At), d.x(end)
			d.add(`<rect class="held" x="%.1f" y="%d" width="%.1f" height="%d"/>`, from, top, to-from, height-top-bottom)
		}
	}
}

// line draws a scenario's values, with gaps where there is none. Steps are for what holds until it changes.
func (d *drawing) line(class string, s replay.Scenario, value func(*replay.Column) *float64, steps bool) {
	step := time.Duration(s.Chart.StepSeconds * float64(time.Second))
	var path strings.Builder
	var last time.Time
	for i := range s.Chart.Columns {
		c := &s.Chart.Columns[i]
		v := value(c)
		if v == nil {
			continue
		}
		x, y := d.x(c.At), d.y(*v)
		switch {
		case last.IsZero() || c.At.Sub(last) > step:
			fmt.Fprintf(&path, "M%.1f %.1f", x, y)
		case steps:
			fmt.Fprintf(&path, "H%.1fV%.1f", x, y)
		default:
			fmt.Fprintf(&path, "L%.1f %.1f", x, y)
		}
		last = c.At
		if steps || i+1 == len(s.Chart.Columns) {
			fmt.Fprintf(&path, "H%.1f", d.x(c.At.Add(step)))
		}
	}
	d.add(`<path class="line %s" d="%s"/>`, class, path.String())
}

// level draws a target.
func (d *drawing) level(class string, v float64) {
	d.add(`<path class="level %s" d="M%d %.1fH%d"/>`, class, left, d.y(v), width-right)
}

// titles lets each column say its numbers where a pointer rests.
func (d *drawing) titles(say func(*replay.Scenario, *replay.Column) string) {
	chart := d.report.Scenarios[0].Chart
	for i := range chart.Columns {
		at := chart.Columns[i].At
		lines := []string{at.UTC().Format("2006-01-02 15:04:05")}
		for j := range d.report.Scenarios {
			s := &d.report.Scenarios[j]
			if i < len(s.Chart.Columns) && s.Chart.Columns[i].At.Equal(at) {
				lines = append(lines, say(s, &s.Chart.Columns[i]))
			}
		}
		x := d.x(at)
		next := d.x(at.Add(time.Duration(chart.StepSeconds * float64(time.Second))))
		d.add(`<rect class="tip" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s</title></rect>`, x, top, next-x, height-top-bottom,
			template.HTMLEscapeString(strings.Join(lines, "\n")))
	}
}

func (d *drawing) end(label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString(label)) + "\n" + d.body.String() + "</svg>")
}

// niceStep is the least of 1, 2, 5, 10, 20 … that is not below v.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*unit >= v {
			return m * unit
		}
	}
	return 10 * unit
}

// ticks returns a distance of times that gives at most ten marks, and how to write them.
func ticks(long time.Duration) (time.Duration, string) {
	const day = 24 * time.Hour
	for _, t := range []struct {
		every  time.Duration
		layout string
	}{
		{15 * time.Second, "15:04:05"}, {time.Minute, "15:04"}, {5 * time.Minute, "15:04"}, {15 * time.Minute, "15:04"}, {time.Hour, "15:04"},
		{3 * time.Hour, "Jan 2 15:04"}, {12 * time.Hour, "Jan 2 15:04"}, {day, "Jan 2"}, {3 * day, "Jan 2"}, {7 * day, "Jan 2"}, {30 * day, "2006-01-02"},
	} {
		if long/t.every <= 10 {
			return t.every, t.layout
		}
	}
	return 365 * day, "2006"
}

// number writes a number with as many digits as are of use.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.Abs(v) >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case math.Abs(v) >= 1e4:
		return fmt.Sprintf("%.4gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}
