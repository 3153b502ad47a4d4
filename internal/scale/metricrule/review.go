package metricrule

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/application"
)

// Remark is something about a rule that its author should know.
type Remark struct {
	// ID names the kind of remark, as ignores-matchers; docs/reference/adapter-rules.md explains each.
	ID string
	// Field is the rule's field that it is about.
	Field string
	// What says what is so, Hint what to do.
	What, Hint string
}

// Remarks says what about a rule gives other values than its author may think, here or with prometheus-adapter.
func (r *Rule) Remarks() []Remark {
	if r.declared != nil || strings.HasPrefix(r.Origin, DefaultRulesName+":") {
		return nil // not written by whoever reads this
	}
	var out []Remark
	add := func(id, field, hint, format string, args ...any) {
		out = append(out, Remark{id, field, fmt.Sprintf(format, args...), hint})
	}
	for i, f := range r.fields.SeriesFilters {
		if text := f.Is + f.IsNot; !anchored(text) {
			add("unanchored", fmt.Sprintf("seriesFilters[%d]", i), "write ^ and $ around it if the whole name is meant",
				"%s is found anywhere in a name, as prometheus-adapter does it too; in PromQL the same text must be the whole", text)
		}
	}
	if text := r.fields.Name.Matches; text != "" && !anchored(text) {
		add("unanchored", "name.matches", "write ^ and $ around it if the whole name is meant",
			"%s is found anywhere in a name, as prometheus-adapter does it too; in PromQL the same text must be the whole", text)
	}
	if !strings.Contains(r.MetricsQuery, ".LabelMatchers") && !strings.Contains(r.MetricsQuery, ".LabelValuesByName") {
		add("ignores-matchers", "metricsQuery", "put <<.LabelMatchers>> between { and }",
			"the query does not say which namespace, object or selector is asked for: every series is read for each request")
	}
	if r.Kind == Custom {
		if label, keeps := r.keepsObject(); !keeps {
			add("no-object", "metricsQuery", "group by <<.GroupBy>>", "no series of the answer has the label %s, so that no object has a value", label)
		}
	}
	if r.Kind == External && !r.namespaced && r.Namespace == "" {
		add("every-namespace", "resources.namespaced", "", "whoever may read external metrics in any namespace reads this one of all namespaces")
	}
	return out
}

// anchored says whether a regular expression is about the whole name, or is open on purpose.
func anchored(text string) bool {
	begins := strings.HasPrefix(text, "^") || strings.HasPrefix(text, ".*") || strings.HasPrefix(text, "(.*)")
	ends := strings.HasSuffix(text, "$") || strings.HasSuffix(text, ".*") || strings.HasSuffix(text, "(.*)") || strings.HasSuffix(text, "(.+)")
	return begins && ends
}

// keepsObject says whether the answer to the rule's query has the label of pods, or of whatever the rule is about.
func (r *Rule) keepsObject() (string, bool) {
	in := r.assoc.in(knownResources())
	b := blank{series: "series", label: in.labelOr(schema.GroupResource{Resource: "pods"}, in.anyLabel()), objects: []string{"name"}, namespaceLabel: in.labelOr(namespaces, "namespace"), namespace: "default"}
	expr, _, err := r.query.write(b)
	return b.label, err != nil || makesLabel(expr, b.label) || application.KeepsLabel(expr, b.label)
}

// anyLabel is some label that names an object.
func (a *associator) anyLabel() string {
	for label, resource := range a.byLabel {
		if Namespaced(resource) {
			return label
		}
	}
	return "pod"
}

// Suppose returns a series that the rule may be about, for reports without a server: of the name that its seriesQuery demands, with
// the labels that it demands and those that its resources name. False if the name is a pattern.
func (r *Rule) Suppose(mapper meta.RESTMapper) (labels.Labels, bool) {
	b := labels.NewBuilder(labels.EmptyLabels())
	name := ""
	for _, m := range r.matchers {
		switch {
		case m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual:
			name = m.Value
		case m.Name == model.MetricNameLabel && m.Type == labels.MatchRegexp && len(m.SetMatches()) == 1:
			name = m.SetMatches()[0]
		case !m.Matches(""):
			b.Set(m.Name, "x")
		}
	}
	if name == "" {
		return labels.EmptyLabels(), false
	}
	b.Set(model.MetricNameLabel, name)
	for label := range r.assoc.overrides {
		b.Set(label, "x")
	}
	in := r.assoc.in(mapper)
	for _, resource := range []schema.GroupResource{namespaces, {Resource: "pods"}} {
		if r.assoc.template == nil {
			break
		}
		if label, err := in.labelOf(resource); err == nil {
			b.Set(label, "x")
		}
	}
	return b.Labels(), true
}

// Discovery returns what is asked for the rule in its set.
func (s *Set) Discovery(r *Rule) Discovery { return r.discovery(s.namespaceLabel) }

// Made is a metric that a rule makes of a series.
type Made struct {
	Metric
	Series string
}

// MadeBy returns the metrics of a rule, sorted; the resource of external ones is empty.
func (c *Catalog) MadeBy(r *Rule) []Made {
	var out []Made
	for _, m := range c.Custom() {
		for _, e := range c.custom[m] {
			if e.rule == r {
				out = append(out, Made{m, e.series})
			}
		}
	}
	for _, name := range c.External() {
		for _, e := range c.external[name] {
			if e.rule == r {
				out = append(out, Made{Metric{Name: name}, e.series})
			}
		}
	}
	return out
}
