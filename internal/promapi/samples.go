package promapi

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/prometheus/model/labels"
)

// element is one entry of a query's result.
type element struct {
	labels    labels.Labels
	points    []Point
	single    bool // "value", as instant queries answer
	several   bool // "values", as range queries do
	histogram bool
}

// result reads the data of a query and calls each for every element. Points are used again for the next unless keep.
func (a *answer) result(keep bool, each func(element) error) error {
	found, kind := false, ""
	var points []Point
	err := a.object(func(field string) (err error) {
		switch field {
		case "resultType":
			kind, err = a.string()
			return err
		case "result":
			found = true
		default:
			return a.skip()
		}
		if kind == "string" {
			return faultf(Rejected, "answered with a text, not with numbers")
		}
		first := true
		return a.array(func() error {
			if first && a.json.PeekKind() == '0' {
				// A scalar: a time and a value instead of elements.
				p, err := a.rest()
				if err != nil {
					return err
				}
				return each(element{single: true, points: []Point{p}})
			}
			first = false
			e, err := a.element(points[:0])
			if err != nil {
				return err
			}
			if !keep {
				points = e.points
			}
			return each(e)
		})
	})
	if err == nil && !found {
		err = faultf(NotUnderstood, "answered without a result")
	}
	return err
}

func (a *answer) element(points []Point) (element, error) {
	e := element{points: points}
	named := false
	if err := a.count(); err != nil {
		return e, err
	}
	err := a.object(func(field string) (err error) {
		switch field {
		case "metric":
			named = true
			e.labels, err = a.labels()
		case "value":
			e.single = true
			err = a.point(&e)
		case "values":
			e.several = true
			err = a.array(func() error { return a.point(&e) })
		case "histogram", "histograms":
			e.histogram = true
			err = a.skip()
		default:
			err = a.skip()
		}
		return err
	})
	switch {
	case err != nil:
	case e.histogram:
		err = faultf(Rejected, "answered with native histograms, not with numbers: %s", oneLine(e.labels.String())).
			with("take a number of it: histogram_quantile, histogram_count, histogram_sum …")
	case !named || !e.single && !e.several:
		err = a.unexpected("metric and value")
	}
	return e, err
}

// count notes one more series.
func (a *answer) count() error {
	if a.series++; a.series > a.options.MaxSeries {
		return faultf(TooLarge, "answered with more than %d series", a.options.MaxSeries).with("ask for fewer: add matchers, or aggregate")
	}
	return nil
}

// point reads [1435781451.781, "1.5"] into e.
func (a *answer) point(e *element) error {
	if a.points++; a.points > a.options.MaxPoints {
		return faultf(TooLarge, "answered with more than %d points", a.options.MaxPoints)
	}
	if err := a.begin('[', "list"); err != nil {
		return err
	}
	p, err := a.rest()
	if err != nil {
		return err
	}
	if n := len(e.points); n > 0 && p.Time <= e.points[n-1].Time {
		return faultf(NotUnderstood, "answered with points that are not in the order of time")
	}
	if err := a.begin(']', "end of the list"); err != nil {
		return err
	}
	e.points = append(e.points, p)
	return nil
}

// rest reads a time in seconds and a value that is written as a text.
func (a *answer) rest() (p Point, err error) {
	v, err := a.raw('0', "time")
	if err != nil {
		return p, err
	}
	seconds, err := strconv.ParseFloat(string(v), 64)
	if err != nil || math.Abs(seconds) > maxSeconds {
		return p, faultf(NotUnderstood, "answered with a time that is none")
	}
	p.Time = int64(math.Round(seconds * 1000))
	if v, err = a.raw('"', "value"); err != nil {
		return p, err
	}
	if a.text, err = jsontext.AppendUnquote(a.text[:0], v); err != nil {
		return p, a.broken(err)
	}
	if p.Value, err = strconv.ParseFloat(string(a.text), 64); err != nil {
		return p, faultf(NotUnderstood, "answered with a value that is no number: %q", oneLine(string(a.text)))
	}
	return p, nil
}

// maxSeconds keeps milliseconds within an int64.
const maxSeconds = math.MaxInt64 / 1000

// labels reads the labels of a series. Names and values of a series share one piece of memory.
func (a *answer) labels() (labels.Labels, error) {
	a.text = a.text[:0]
	var ends [maxLabels * 2]int
	n := 0
	if err := a.begin('{', "object"); err != nil {
		return labels.EmptyLabels(), err
	}
	for a.json.PeekKind() != '}' {
		v, err := a.raw('"', "text")
		if err != nil {
			return labels.EmptyLabels(), err
		}
		if n == len(ends) {
			return labels.EmptyLabels(), faultf(TooLarge, "answered with a series of more than %d labels", maxLabels)
		}
		if a.text, err = jsontext.AppendUnquote(a.text, v); err != nil {
			return labels.EmptyLabels(), a.broken(err)
		}
		ends[n] = len(a.text)
		n++
	}
	if _, err := a.token(); err != nil {
		return labels.EmptyLabels(), err
	}
	l := build(string(a.text), ends[:n])
	if name, twice := l.HasDuplicateLabelNames(); twice {
		return l, faultf(NotUnderstood, "answered with a series that has the label %q twice", oneLine(name))
	}
	return l, nil
}

// maxLabels of one series. Servers limit them to some thirty (Mimir) or not at all (Prometheus).
const maxLabels = 256

func build(text string, ends []int) labels.Labels {
	builder := labels.NewScratchBuilder(len(ends) / 2)
	begin := 0
	for i := 0; i+1 < len(ends); i += 2 {
		if value := text[ends[i]:ends[i+1]]; value != "" { // an empty label is none
			builder.Add(text[begin:ends[i]], value)
		}
		begin = ends[i+1]
	}
	builder.Sort()
	return builder.Labels()
}
