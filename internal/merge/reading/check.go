package reading

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
)

// collector gathers checked families into a Reading.
type collector struct {
	limits  Limits
	weight  int // in tenths of a series
	names   map[string]int
	reading *Reading
}

func newCollector(l Limits) *collector {
	return &collector{limits: l, names: map[string]int{}, reading: &Reading{Skipped: map[Reason]int{}}}
}

func (c *collector) skip(r Reason, n int) {
	if n > 0 {
		c.reading.Skipped[r] += n
	}
}

// family opens a family, or returns nil, having counted its series as skipped.
func (c *collector) family(name, help, unit string, kind Kind, series int) *Family {
	if !c.limits.CheckName(name) {
		c.skip(InvalidName, series)
		return nil
	}
	if _, ok := c.names[name]; ok {
		c.skip(Duplicate, series)
		return nil
	}
	c.names[name] = len(c.reading.Families)
	if !c.limits.CheckUnit(name, unit) {
		unit = ""
	}
	return &Family{Name: name, Help: c.limits.CleanHelp(help), Unit: unit, Kind: kind, Series: make([]Series, 0, min(series, 4096))}
}

// close takes the family into the reading, if anything was left of it.
func (c *collector) close(f *Family) {
	if len(f.Series) == 0 {
		return
	}
	f.Series = c.unique(f.Series)
	c.reading.Families = append(c.reading.Families, *f)
}

func (c *collector) unique(series []Series) []Series {
	if len(series) < 2 {
		return series
	}
	seen := make(map[string]struct{}, len(series))
	var key []byte
	return slices.DeleteFunc(series, func(s Series) bool {
		key = AppendKey(key[:0], s.Labels)
		if _, ok := seen[string(key)]; ok {
			c.skip(Duplicate, 1)
			return true
		}
		seen[string(key)] = struct{}{}
		return false
	})
}

// admit checks a series as a whole; s.Labels need not be sorted yet.
func (c *collector) admit(f *Family, s Series) {
	if reason := c.check(f.Kind, &s); reason != "" {
		c.skip(reason, 1)
		return
	}
	weight := 10
	if s.Histogram != nil {
		weight += max(0, len(s.Histogram.Counts)-10)
	}
	if s.Native != nil {
		weight += max(0, len(s.Native.PositiveBuckets)+len(s.Native.NegativeBuckets)-10)
	}
	if c.weight+weight > 10*c.limits.Series {
		c.skip(SeriesLimit, 1)
		return
	}
	c.weight += weight
	f.Series = append(f.Series, s)
}

func (c *collector) check(kind Kind, s *Series) Reason {
	if reason := c.limits.CheckLabels(kind, s.Labels); reason != "" {
		return reason
	}
	if kind == Counter && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Value < 0) {
		return InvalidValue
	}
	s.Exemplar = CheckExemplar(s.Exemplar)
	if s.Histogram != nil {
		if len(s.Histogram.Counts) > c.limits.BucketCount || !s.Histogram.Valid() {
			return InvalidHistogram
		}
		for i, e := range s.Histogram.Exemplars {
			s.Histogram.Exemplars[i] = CheckExemplar(e)
		}
	}
	if s.Native != nil && (len(s.Native.PositiveBuckets)+len(s.Native.NegativeBuckets) > c.limits.BucketCount || !validNative(s.Native)) {
		return InvalidHistogram
	}
	s.Exemplars = slices.DeleteFunc(s.Exemplars, func(e *dto.Exemplar) bool { return CheckExemplar(e) == nil || e.Timestamp == nil })
	if s.Created != nil && !s.Created.IsValid() {
		s.Created = nil
	}
	return ""
}

// Valid tells whether the bounds are finite and ascending and there is a count for each and for +Inf.
func (b *Buckets) Valid() bool {
	for i, bound := range b.Bounds {
		if math.IsNaN(bound) || math.IsInf(bound, 0) || i > 0 && bound <= b.Bounds[i-1] {
			return false
		}
	}
	return len(b.Counts) == len(b.Bounds)+1
}

// CheckName tells whether a family may have the name: it is valid in some format, short enough and not the merge's own.
func (l Limits) CheckName(name string) bool {
	return validName(name, l) && !strings.HasPrefix(name, reservedPrefix)
}

// CheckUnit tells whether a family of that name may have the unit: OpenMetrics demands that it is the end of the name.
func (l Limits) CheckUnit(name, unit string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, "_total"), "_"+unit) && validName(unit, l)
}

// CheckLabels sorts labels and returns why a series of that kind can't be exposed with them, or "".
func (l Limits) CheckLabels(kind Kind, labels []*dto.LabelPair) Reason {
	if len(labels) > l.Labels {
		return InvalidLabel
	}
	legacy := true
	for _, p := range labels {
		name, value := p.GetName(), p.GetValue()
		if !validName(name, l) {
			return InvalidName
		}
		reserved := strings.HasPrefix(name, "__") ||
			name == model.BucketLabel && kind != Gauge && kind != Untyped ||
			name == model.QuantileLabel && kind == Summary
		// A NUL byte ends the text for parsers that are otherwise correct.
		if reserved || len(value) > l.ValueBytes || !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
			return InvalidLabel
		}
		legacy = legacy && model.LegacyValidation.IsValidLabelName(name)
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	for i := 1; i < len(labels); i++ {
		if labels[i].GetName() == labels[i-1].GetName() {
			return InvalidLabel
		}
	}
	if !legacy && !distinctEscaped(labels) {
		return InvalidLabel
	}
	return ""
}

// distinctEscaped tells whether the names stay apart for a scraper that asks for underscores instead of UTF-8.
func distinctEscaped(labels []*dto.LabelPair) bool {
	seen := map[string]bool{}
	for _, p := range labels {
		name := model.EscapeName(p.GetName(), model.UnderscoreEscaping)
		if seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

func validName(name string, l Limits) bool {
	return len(name) <= l.NameBytes && model.UTF8Validation.IsValidMetricName(name) && strings.IndexByte(name, 0) < 0
}

// exemplarRunes is OpenMetrics' limit for the names and values of an exemplar's labels together.
const exemplarRunes = 128

// CheckExemplar returns e, or nil if it must not be exposed: the sample is kept without it.
func CheckExemplar(e *dto.Exemplar) *dto.Exemplar {
	if e == nil || math.IsNaN(e.GetValue()) || e.Timestamp != nil && !e.Timestamp.IsValid() {
		return nil
	}
	runes := 0
	for i, p := range e.Label {
		name, value := p.GetName(), p.GetValue()
		if !model.LegacyValidation.IsValidLabelName(name) || !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
			return nil
		}
		for _, q := range e.Label[:i] {
			if q.GetName() == name {
				return nil
			}
		}
		if runes += utf8.RuneCountInString(name) + utf8.RuneCountInString(value); runes > exemplarRunes {
			return nil
		}
	}
	return e
}
