package pydirtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Label is a label of a series.
type Label struct{ Name, Value string }

// Key is the key of an entry: what json.dumps([metric, sample, labels, help], sort_keys=True) gives in Python. Metric is
// the name without a counter's _total, sample the one with. The client before 0.16 writes no help.
func Key(g Generation, metric, sample, help string, labels ...Label) string {
	labels = slices.Clone(labels)
	slices.SortStableFunc(labels, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteByte('[')
	quote(&b, metric)
	b.WriteString(", ")
	quote(&b, sample)
	b.WriteString(", {")
	for i, l := range labels {
		if i > 0 {
			b.WriteString(", ")
		}
		quote(&b, l.Name)
		b.WriteString(": ")
		quote(&b, l.Value)
	}
	b.WriteByte('}')
	if g != Before016 {
		b.WriteString(", ")
		quote(&b, help)
	}
	b.WriteByte(']')
	return b.String()
}

// quote writes text as json.dumps does with ensure_ascii. What is no UTF-8 becomes the half surrogates that Python's
// surrogateescape makes of it.
func quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for i, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r == '\uFFFD' && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(b, `\u%04x`, 0xDC00+int(text[i]))
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// bound is how the client writes the bound of a bucket (floatToGoString of its utils.py).
func bound(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	text := repr(v)
	dot := strings.IndexByte(text, '.')
	if v > 0 && dot > 6 {
		mantissa := strings.TrimRight(text[:1]+"."+text[1:dot]+text[dot+1:], "0.")
		return mantissa + "e+0" + strconv.Itoa(dot-1)
	}
	return text
}

// repr is Python's: the shortest digits, with an exponent below 1e-4 and from 1e16 on.
func repr(v float64) string {
	text := strconv.FormatFloat(v, 'e', -1, 64)
	exponent, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	if v != 0 && (exponent < -4 || exponent >= 16) {
		return text
	}
	text = strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
