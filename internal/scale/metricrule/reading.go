package metricrule

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/hint"
)

// Sample is one series of an instant query's answer.
type Sample struct {
	Labels labels.Labels
	Time   time.Time // as the server answers
	Value  float64   // may be NaN or infinite
}

// Value is what a metric is for one object, or why that is not known.
type Value struct {
	// Name is the object's name; empty for external metrics.
	Name string
	// Labels are those of an external metric's series.
	Labels labels.Labels
	// Value is a number, and 0 with Err.
	Value float64
	// Time is that of the newest sample behind the value. Where it cannot be known it is the earliest that it can be, or else the time
	// of the question.
	Time time.Time
	// Err says why the value is not known, with a hint.
	Err error
	// Old says that it is for the age of the samples.
	Old bool
}

// Read takes the answer to the query apart, sorted by name. The question was asked at a time; values of samples that are older than
// maxAge then are errors, unless maxAge is 0. Series that name no object, or one of another namespace, are left out; an object that has
// no series is not there.
func (q *Query) Read(samples []Sample, at time.Time, maxAge time.Duration) []Value {
	values := make([]Sample, 0, len(samples))
	times := make(map[string]time.Time, len(samples)) // the oldest of the branches, by key
	answered := map[string]bool{}                     // branches
	for _, s := range samples {
		if !q.branches {
			values = append(values, s)
			continue
		}
		switch branch := s.Labels.Get(branchLabel); {
		case branch == valueBranch:
			values = append(values, s)
		case strings.HasPrefix(branch, timeBranch):
			answered[branch] = true
			key, t := q.key(s.Labels), timeOf(s.Value)
			if before, known := times[key]; !known || t.Before(before) {
				times[key] = t
			}
		}
	}
	least := q.leastAge(answered)
	out := make([]Value, 0, len(values))
	for _, s := range values {
		if v, ok := q.value(s, at); ok {
			t, known := times[q.key(s.Labels)]
			switch {
			case known:
				v.Time = t
			case q.branches && q.window > 0:
				v.Time = at.Add(-q.window)
			}
			if latest := at.Add(-least); least > 0 && v.Time.After(latest) {
				v.Time = latest
			}
			v.judge(at, maxAge)
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b Value) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), labels.Compare(a.Labels, b.Labels))
	})
	if q.Label != "" {
		out = q.unique(out)
	}
	return out
}

// key is what a value and the times of its samples have in common.
func (q *Query) key(l labels.Labels) string {
	switch {
	case q.Label != "":
		return l.Get(q.Label)
	case q.spread.all || len(q.spread.by) > 0:
		return string(l.BytesWithoutLabels(nil, model.MetricNameLabel, branchLabel))
	}
	return ""
}

// leastAge is how old a value is at least, whatever else it is made of: of a range of which nothing has a newest sample any more there
// are older ones in it, as in the ratio of what ended half an hour ago to what goes on.
func (q *Query) leastAge(answered map[string]bool) (age time.Duration) {
	for i, window := range q.windows {
		if !answered[timeBranch+strconv.Itoa(i)] {
			age = max(age, window)
		}
	}
	return age
}

// timeOf is the time that PromQL's timestamp() writes, seconds since 1970.
func timeOf(seconds float64) time.Time { return time.UnixMilli(int64(math.Round(seconds * 1000))) }

// value reads one series of values.
func (q *Query) value(s Sample, at time.Time) (Value, bool) {
	v := Value{Value: s.Value, Time: at}
	if q.Label == "" {
		v.Labels = labels.NewBuilder(s.Labels).Del(branchLabel, model.MetricNameLabel).Labels()
		return v, true
	}
	v.Name = s.Labels.Get(q.Label)
	if v.Name == "" {
		return v, false
	}
	if q.namespaceLabel != "" && q.namespaceLabel != q.Label {
		if other := s.Labels.Get(q.namespaceLabel); other != "" && other != q.namespace {
			return v, false
		}
	}
	return v, true
}

// judge says whether the value may be told.
func (v *Value) judge(at time.Time, maxAge time.Duration) {
	switch age := at.Sub(v.Time); {
	case math.IsNaN(v.Value):
		v.Err = hint.Errorf("a division of 0 by 0 does that: ask for what should be there then, as (a / b) or vector(0)", "the value is NaN")
	case math.IsInf(v.Value, 0):
		v.Err = hint.Errorf("a division by 0 does that", "the value is infinite")
	case maxAge > 0 && age > maxAge:
		v.Old = true
		v.Err = hint.Errorf("is the target still scraped?", "the newest sample is %s old, and older than %s is not taken", age.Round(time.Second), maxAge)
	}
	if v.Err != nil {
		v.Value = 0
	}
}

// unique makes one error of several series of one object, in place.
func (q *Query) unique(values []Value) []Value {
	out := values[:0]
	for i := 0; i < len(values); {
		next := i + 1
		for next < len(values) && values[next].Name == values[i].Name {
			next++
		}
		if v := values[i]; next-i == 1 {
			out = append(out, v)
		} else {
			out = append(out, Value{Name: v.Name, Time: v.Time, Err: hint.Errorf("add them up in metricsQuery: sum(…) by (<<.GroupBy>>)",
				"the query gives %d series for %s", next-i, v.Name)})
		}
		i = next
	}
	return out
}

// FirstError returns the first value that is not known, as an error that names the object; nil if all are known.
func FirstError(values []Value) error {
	for _, v := range values {
		switch {
		case v.Err == nil:
		case v.Name == "":
			return v.Err
		default:
			return hint.Errorf(hint.Of(v.Err), "%s: %w", v.Name, v.Err)
		}
	}
	return nil
}
