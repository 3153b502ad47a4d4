package pydir

import (
	"math"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/internal/merge/reading"
)

// export exports what is merged: for formats other than text, and for the total over replicas. The result shares nothing
// that changes later.
func (t *table) export() []reading.Family {
	out := make([]reading.Family, 0, len(t.families))
	for _, f := range t.inOrder() {
		e := reading.Family{Name: f.name, Help: f.helpText(), Kind: f.kind}
		for _, c := range f.inOrder() {
			if s, ok := c.export(); ok {
				e.Series = append(e.Series, s)
			}
		}
		if len(e.Series) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func (c *child) export() (s reading.Series, ok bool) {
	s.Labels = c.labels
	switch kind := c.family.kind; {
	case kind == reading.Gauge:
		s.Value, ok = c.value.gauge()
		return s, ok
	case !c.counted:
		return s, false
	case kind == reading.Counter:
		s.Value = c.value.total.Value()
		return s, true
	case kind == reading.Summary:
		s.Count, s.Sum = c.count.count(), c.sum.sum()
		return s, true
	}
	b := &reading.Buckets{}
	before := uint64(0)
	c.shared(func(bucket *slot, cumulative uint64) {
		if !math.IsInf(bucket.bound, 1) {
			b.Bounds = append(b.Bounds, bucket.bound)
		}
		b.Counts = append(b.Counts, cumulative-before)
		before = cumulative
	})
	if len(b.Counts) == 0 {
		return s, false
	}
	b.Exemplars = make([]*dto.Exemplar, len(b.Counts))
	s.Histogram, s.Count = b, before
	s.Sum = c.sum.sum()
	return s, true
}

// alone exports the numbers of one worker, as if there were no other.
func (t *table) alone(values map[*slot]float64) []reading.Family {
	var out []reading.Family
	for _, f := range t.inOrder() {
		e := reading.Family{Name: f.name, Help: f.helpText(), Kind: f.kind}
		for _, c := range f.inOrder() {
			if s, ok := c.alone(values); ok {
				e.Series = append(e.Series, s)
			}
		}
		if len(e.Series) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func (c *child) alone(values map[*slot]float64) (s reading.Series, ok bool) {
	of := func(slot *slot) float64 {
		v, has := values[slot]
		ok = ok || has
		return v
	}
	s.Labels = c.labels
	if c.value != nil {
		s.Value = of(c.value)
	}
	if c.sum != nil {
		s.Sum = of(c.sum)
	}
	if c.count != nil {
		s.Count = uint64(of(c.count))
	}
	if c.family.kind != reading.Histogram {
		return s, ok
	}
	b := &reading.Buckets{}
	ok = false
	for _, bucket := range c.buckets {
		if _, has := values[bucket]; !has {
			continue
		}
		count := uint64(of(bucket))
		if !math.IsInf(bucket.bound, 1) {
			b.Bounds = append(b.Bounds, bucket.bound)
		}
		b.Counts = append(b.Counts, count)
		s.Count += count
	}
	b.Exemplars = make([]*dto.Exemplar, len(b.Counts))
	s.Histogram = b
	return s, ok && len(b.Counts) == len(b.Bounds)+1
}
