package pydir

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/internal/merge/reading"
)

// The text of a child, its samples, is the same in text format 0.0.4 and in OpenMetrics. It is written again when one of
// its numbers has changed; a page is put together from these texts.

// write brings the child's text up to date. It is empty if there is nothing to expose. The buffer is used and returned.
func (c *child) write(buf []byte) []byte {
	if !c.changed {
		return buf
	}
	c.changed = false
	out := buf[:0]
	f := c.family
	switch f.kind {
	case reading.Counter:
		out = c.sample(out, "", "", c.value.total.Value())
	case reading.Gauge:
		if v, ok := c.value.gauge(); ok {
			out = c.sample(out, "", "", v)
		}
	case reading.Summary:
		out = c.countOf(out, c.count.count())
		out = c.sample(out, "_sum", "", c.sum.sum())
	case reading.Histogram:
		out = c.writeHistogram(out)
	}
	if len(out) > cap(c.text) {
		c.text = make([]byte, 0, len(out)+len(out)/32+4) // numbers grow longer
	}
	c.text = append(c.text[:0], out...)
	return out
}

func (c *child) writeHistogram(out []byte) []byte {
	last := uint64(0)
	c.shared(func(s *slot, cumulative uint64) {
		out = c.name(out, "_bucket", s.le)
		out = strconv.AppendUint(out, cumulative, 10)
		out = append(out, '\n')
		last = cumulative
	})
	if len(out) == 0 {
		return out
	}
	out = c.sample(out, "_sum", "", c.sum.sum())
	return c.countOf(out, last)
}

func (c *child) countOf(out []byte, n uint64) []byte {
	out = c.name(out, "_count", "")
	return append(strconv.AppendUint(out, n, 10), '\n')
}

// count is the total as a whole number, or 0 of what no file has.
func (s *slot) count() uint64 {
	if s == nil {
		return 0
	}
	return addCount(0, s.total)
}

// sum is the total, or 0 of what no file has: protobuf has no way to leave it out.
func (s *slot) sum() float64 {
	if s == nil {
		return 0
	}
	return s.total.Value()
}

func (c *child) sample(out []byte, suffix, le string, v float64) []byte {
	out = c.name(out, suffix, le)
	out = appendValue(out, v)
	return append(out, '\n')
}

// name writes a sample's name and labels, and the space before its value.
func (c *child) name(out []byte, suffix, le string) []byte {
	out = append(append(out, c.family.name...), suffix...)
	separator := byte('{')
	for _, l := range c.labels {
		out = append(append(append(out, separator), l.GetName()...), '=', '"')
		out = append(appendEscaped(out, l.GetValue()), '"')
		separator = ','
	}
	if le != "" {
		out = append(append(append(out, separator), `le="`...), le...)
		out = append(out, '"')
		separator = ','
	}
	if separator == ',' {
		out = append(out, '}')
	}
	return append(out, ' ')
}

// appendValue writes a number as both formats have it.
func appendValue(out []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(out, "+Inf"...)
	case math.IsInf(v, -1):
		return append(out, "-Inf"...)
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.AppendInt(out, int64(v), 10)
	}
	return strconv.AppendFloat(out, v, 'g', -1, 64)
}

func appendEscaped(out []byte, text string) []byte {
	if !strings.ContainsAny(text, "\\\"\n") {
		return append(out, text...)
	}
	for i := range len(text) {
		switch c := text[i]; c {
		case '\\', '"':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		default:
			out = append(out, c)
		}
	}
	return out
}

func legacyLabels(labels []*dto.LabelPair) bool {
	return !slices.ContainsFunc(labels, func(l *dto.LabelPair) bool { return !model.LegacyValidation.IsValidLabelName(l.GetName()) })
}

var kindWords = map[reading.Kind]string{
	reading.Counter: "counter", reading.Gauge: "gauge", reading.Summary: "summary", reading.Histogram: "histogram",
}

// header writes what stands before a family's samples.
func (f *family) header(out *bytes.Buffer, openMetrics, unknown bool) {
	name, kind := f.name, kindWords[f.kind]
	if openMetrics && f.kind == reading.Counter {
		name = strings.TrimSuffix(name, "_total")
	}
	if unknown {
		name, kind = f.name, "unknown"
	}
	out.WriteString("# HELP ")
	out.WriteString(name)
	out.WriteByte(' ')
	help := f.helpText()
	for i := range len(help) {
		switch c := help[i]; {
		case c == '\\':
			out.WriteString(`\\`)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '"' && openMetrics:
			out.WriteString(`\"`)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteString("\n# TYPE ")
	out.WriteString(name)
	out.WriteByte(' ')
	out.WriteString(kind)
	out.WriteByte('\n')
}

// helpText is the family's help, or what the client says of files that have none.
func (f *family) helpText() string {
	if f.help == "" {
		return "Multiprocess metric"
	}
	return f.help
}

// nameIsTaken tells whether a counter's name without _total is another family's: two families of one name are not valid
// in OpenMetrics.
func (t *table) nameIsTaken(f *family) bool {
	base, isTotal := strings.CutSuffix(f.name, "_total")
	return f.kind == reading.Counter && isTotal && t.families[base] != nil
}
