package instrument

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Desc makes what was sent a metric again.
func (s sent) Desc() *prometheus.Desc { return s.desc }

// Write hands the values on; the labels are copied, since a registerer that wraps the registry changes them.
func (s sent) Write(out *dto.Metric) error {
	out.Label = slices.Clone(s.values.Label)
	out.Gauge, out.Counter, out.Summary = s.values.Gauge, s.values.Counter, s.values.Summary
	out.Untyped, out.Histogram, out.TimestampMs = s.values.Untyped, s.values.Histogram, s.values.TimestampMs
	return nil
}

func (res *result) drop(reason, cause string) {
	res.dropped[reason]++
	if res.cause == "" {
		res.cause = cause
	}
}

func byName(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) }

// sorted returns the labels by name. They are changed in a copy, since a metric may hand out the same slice each time.
func sorted(labels []*dto.LabelPair) []*dto.LabelPair {
	if slices.IsSortedFunc(labels, byName) {
		return labels
	}
	return slices.SortedStableFunc(slices.Values(labels), byName)
}

// descNames reads a description's name and help. client_golang 1.24 tells them only in its text,
// `Desc{fqName: "…", help: "…", …`.
func descNames(d *prometheus.Desc) (name, help string) {
	rest, ok := strings.CutPrefix(d.String(), "Desc{fqName: ")
	if !ok {
		return "", ""
	}
	name, rest = unquoted(rest)
	if rest, ok = strings.CutPrefix(rest, ", help: "); ok {
		help, _ = unquoted(rest)
	}
	return name, help
}

func unquoted(s string) (value, rest string) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", s
	}
	value, _ = strconv.Unquote(quoted)
	return value, s[len(quoted):]
}
