package instrument

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// consistency is what the guarded collectors have sent in one scrape. It holds them to the rules by which a
// registry gathers, so that no Gather fails because of them.
type consistency struct {
	owned    *ownedNames
	families map[string]*family
	descs    map[*prometheus.Desc]named
	key      []byte
}

// family is all metrics of one name.
type family struct {
	kind   dto.MetricType
	help   string
	labels []string
	series map[string]struct{}
}

type named struct{ name, help string }

func newConsistency(owned *ownedNames) *consistency {
	return &consistency{owned: owned, families: map[string]*family{}, descs: map[*prometheus.Desc]named{}}
}

// admit takes a metric in, or says for which reason and why not.
func (c *consistency) admit(s sent) (reason, cause string) {
	id, ok := c.descs[s.desc]
	if !ok {
		id.name, id.help = descNames(s.desc)
		c.descs[s.desc] = id
	}
	kind, problem := c.valid(s, id.name)
	if problem != "" {
		return droppedInvalid, problem
	}
	f := c.families[id.name]
	if f == nil {
		if problem := c.nameTaken(id.name, kind); problem != "" {
			return droppedInconsistent, problem
		}
		f = &family{kind: kind, help: id.help, labels: labelNames(s.values), series: map[string]struct{}{}}
		c.families[id.name] = f
	}
	if problem := f.differs(kind, id.help, s.values); problem != "" {
		return droppedInconsistent, fmt.Sprintf("metric %q has another %s than one of that name before it in this scrape", id.name, problem)
	}
	c.key = c.key[:0]
	for _, l := range s.values.Label {
		c.key = strconv.AppendInt(c.key, int64(len(l.GetValue())), 10)
		c.key = append(append(c.key, ':'), l.GetValue()...)
	}
	if _, twice := f.series[string(c.key)]; twice {
		return droppedDuplicate, fmt.Sprintf("metric %q was sent twice with the same labels %s", id.name, labelText(s.values))
	}
	f.series[string(c.key)] = struct{}{}
	return "", ""
}

func (f *family) differs(kind dto.MetricType, help string, values *dto.Metric) string {
	switch {
	case f.kind != kind:
		return "type"
	case f.help != help:
		return "help"
	case !slices.EqualFunc(f.labels, values.Label, func(name string, l *dto.LabelPair) bool { return name == l.GetName() }):
		return "set of labels"
	}
	return ""
}

// valid checks one metric for itself.
func (c *consistency) valid(s sent, name string) (kind dto.MetricType, problem string) {
	if err := s.desc.Err(); err != nil {
		return 0, err.Error()
	}
	if name == "" || !utf8.ValidString(name) {
		return 0, fmt.Sprintf("metric %q has no valid name", name)
	}
	kind, ok := metricType(s.values)
	if !ok {
		return 0, fmt.Sprintf("metric %q has no value", name)
	}
	previous := ""
	for i, l := range s.values.Label {
		label := l.GetName()
		switch {
		case label == "" || !utf8.ValidString(label) || strings.HasPrefix(label, "__"):
			problem = "is no valid name"
		case i > 0 && label == previous:
			problem = "is there twice"
		case kind == dto.MetricType_HISTOGRAM && label == "le", kind == dto.MetricType_SUMMARY && label == "quantile":
			problem = "is reserved"
		case !utf8.ValidString(l.GetValue()):
			problem = "has a value that is not UTF-8"
		}
		if problem != "" {
			return 0, fmt.Sprintf("metric %q: label %q %s", name, label, problem)
		}
		previous = label
	}
	return kind, ""
}

// nameTaken says whether a new name collides with one of the Metrics' own, or with the samples that histograms and
// summaries are exposed as.
func (c *consistency) nameTaken(name string, kind dto.MetricType) string {
	if c.owned.has(name) {
		return fmt.Sprintf("metric %q belongs to a metric that was declared already", name)
	}
	for _, suffix := range []string{"_count", "_sum", "_bucket"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if f := c.families[base]; c.owned.compound(base) || f != nil && compound(f.kind) {
				return fmt.Sprintf("metric %q collides with the %s of %q", name, suffix[1:], base)
			}
		}
		if longer := name + suffix; compound(kind) && (c.owned.has(longer) || c.families[longer] != nil) {
			return fmt.Sprintf("the %s of metric %q collides with %q", suffix[1:], name, longer)
		}
	}
	return ""
}

func compound(kind dto.MetricType) bool {
	return kind == dto.MetricType_HISTOGRAM || kind == dto.MetricType_SUMMARY
}

// metricType finds the type by the value that is there, in the order in which client_golang's registry does.
func metricType(m *dto.Metric) (dto.MetricType, bool) {
	switch {
	case m.Gauge != nil:
		return dto.MetricType_GAUGE, true
	case m.Counter != nil:
		return dto.MetricType_COUNTER, true
	case m.Summary != nil:
		return dto.MetricType_SUMMARY, true
	case m.Untyped != nil:
		return dto.MetricType_UNTYPED, true
	case m.Histogram != nil:
		return dto.MetricType_HISTOGRAM, true
	}
	return 0, false
}

func labelNames(m *dto.Metric) []string {
	names := make([]string, len(m.Label))
	for i, l := range m.Label {
		names[i] = l.GetName()
	}
	return names
}

func labelText(m *dto.Metric) string {
	pairs := make([]string, len(m.Label))
	for i, l := range m.Label {
		pairs[i] = fmt.Sprintf("%s=%q", l.GetName(), bounded(l.GetValue()))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}
