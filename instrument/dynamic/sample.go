package dynamic

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Sample is one value of one metric, as the source has it.
type Sample struct {
	// Name is the metric's, made valid by [MetricName].
	Name string
	// Help is the same for all samples of a name. Default: "Read at run time."
	Help string
	// Type is [prometheus.GaugeValue], [prometheus.CounterValue] or [prometheus.UntypedValue]; all samples of a name have
	// the same. Default: a gauge.
	Type prometheus.ValueType
	// Labels are the labels' values by name, which is made valid by [LabelName]; all samples of a name have the same names.
	// Values that are not UTF-8 are made so, and values are cut after 1,024 bytes. The map may be used again when yield has returned.
	Labels map[string]string
	// Value is the value, in base units: seconds, bytes.
	Value float64
}

// maxNameBytes bounds the names, maxValueBytes the label values, that a source can fill memory with.
const (
	maxNameBytes  = 200
	maxValueBytes = 1024
)

// MetricName makes a valid metric name of any text: what is no ASCII letter, digit or underscore becomes "_", a leading
// digit gets one in front, and what is longer than 200 bytes is cut. "web-shop" becomes "web_shop", "" becomes "_".
//
// Several texts may become one name; Run drops the samples of all but the first.
func MetricName(s string) string { return identifier(s, "_") }

// LabelName makes a valid label name of any text, as [MetricName] does. Names that begin with two underscores are
// Prometheus' own, so that a text which does is left with one.
func LabelName(s string) string {
	name := identifier(s, "_")
	if strings.HasPrefix(name, "__") {
		name = "_" + strings.TrimLeft(name, "_")
	}
	return name
}

func identifier(s, substitute string) string {
	var b strings.Builder
	for _, c := range s { // invalid UTF-8 is one U+FFFD per byte
		if b.Len() >= maxNameBytes {
			break
		}
		switch {
		case c >= '0' && c <= '9':
			if b.Len() == 0 {
				b.WriteString(substitute)
			}
			b.WriteRune(c)
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			b.WriteRune(c)
		default:
			b.WriteString(substitute)
		}
	}
	if b.Len() == 0 {
		return substitute
	}
	name := b.String()
	return name[:min(len(name), maxNameBytes)]
}
