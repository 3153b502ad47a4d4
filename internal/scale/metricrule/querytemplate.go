package metricrule

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/hint"
)

// queryTemplate is a rule's metricsQuery.
type queryTemplate struct{ template *boundedTemplate }

// templateData is what a metricsQuery may use.
type templateData struct {
	// Series is the name of the series.
	Series string
	// LabelMatchers are the matchers of the request, to be put between { and }.
	LabelMatchers string
	// LabelValuesByName are the values that the request wants of each label; several are joined by |.
	LabelValuesByName map[string]labelValues
	// GroupBy is the label that names the object; empty for external metrics.
	GroupBy string
	// GroupBySlice is the same as a list.
	GroupBySlice []string
}

// blank is a query to be written: which series, for which object, with which values.
type blank struct {
	series         string
	label          string // of the object; empty for external metrics
	objects        []string
	all            bool   // objects are all there are: no matcher is needed
	namespaceLabel string // empty: no namespace
	namespace      string
	selector       []condition
}

// compileQuery reads a template, and tries it with a series and objects of no meaning: what is wrong with every one is wrong with the
// rule. The labels are those that the rule has for pods, if it has one.
func compileQuery(text string, kind Kind, a association) (*queryTemplate, *ruleMistake) {
	const field, advice = "metricsQuery", "write PromQL with placeholders, as sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"
	parsed, err := parseTemplate(text)
	if err != nil {
		return nil, mistakef(field, advice, "%v", err)
	}
	q := &queryTemplate{parsed}
	in := a.in(knownResources())
	trial := blank{series: "series", namespaceLabel: in.labelOr(namespaces, "namespace"), namespace: "default"}
	if kind == Custom {
		trial.label, trial.objects = in.labelOr(schema.GroupResource{Resource: "pods"}, "pod"), []string{"name"}
	}
	if _, _, err := q.write(trial); err != nil {
		return nil, mistakef(field, cmp.Or(hint.Of(err), advice), "%v", err)
	}
	return q, nil
}

var knownResources = sync.OnceValue(KnownResources)

// labelOr is labelOf with another label for none.
func (a *associator) labelOr(resource schema.GroupResource, other string) string {
	if label, err := a.labelOf(resource); err == nil {
		return label
	}
	return other
}

// write executes the template and fills in what the blank says. The second result says that the objects' names are in the query,
// other than as the matcher that all leaves out.
func (q *queryTemplate) write(b blank) (parser.Expr, bool, error) {
	p := &placeholders{objects: -1}
	data := templateData{
		Series:            p.series(b.series),
		LabelMatchers:     matchersPlaceholder + `="1"`,
		LabelValuesByName: map[string]labelValues{},
		GroupBySlice:      []string{},
	}
	for _, c := range b.selector {
		matcher, err := c.matcher()
		if err != nil {
			return nil, false, err
		}
		p.matchers = append(p.matchers, matcher)
		data.LabelValuesByName[p.name(c.label)] = p.value(c.values)
	}
	if b.namespaceLabel != "" {
		p.matchers = append(p.matchers, labels.MustNewMatcher(labels.MatchEqual, b.namespaceLabel, b.namespace))
		data.LabelValuesByName[p.name(b.namespaceLabel)] = p.value([]string{b.namespace})
	}
	if b.label != "" {
		if !b.all {
			matcher, err := objectMatcher(b.label, b.objects)
			if err != nil {
				return nil, false, err
			}
			p.matchers = append(p.matchers, matcher)
		}
		p.objects = len(p.values)
		name := p.name(b.label)
		data.LabelValuesByName[name] = p.value(b.objects)
		if len(b.objects) == 0 { // asked for without names: to be refused only if the template wants them
			data.LabelValuesByName[name] = p.value([]string{""})
		}
		data.GroupBy, data.GroupBySlice = name, []string{name}
	}
	text, err := q.template.execute(data)
	if err != nil {
		return nil, false, plainTemplateError(err)
	}
	expr, err := parseExpr(text)
	if err != nil {
		return nil, false, err
	}
	return expr, p.used, p.fill(expr)
}

// noField finds the field that a template names and that is not there.
var noField = regexp.MustCompile(`at <([^>]*)>: can't evaluate field (\w+)`)

// plainTemplateError says in the author's words why a template fails.
func plainTemplateError(err error) error {
	text := err.Error()
	if match := noField.FindStringSubmatch(text); match != nil {
		return fmt.Errorf("there is no %s; there are .Series, .LabelMatchers, .LabelValuesByName, .GroupBy and .GroupBySlice", match[1])
	}
	if strings.Contains(text, "error calling") || strings.Contains(text, "non-comparable") {
		return errors.New("the template compares or calculates with the value of a label, which can only be written or be tested for being there")
	}
	return err
}

// objectMatcher selects objects by name.
func objectMatcher(label string, names []string) (*labels.Matcher, error) {
	if len(names) == 1 {
		return labels.NewMatcher(labels.MatchEqual, label, names[0])
	}
	m, err := labels.NewMatcher(labels.MatchRegexp, label, anyOf(names))
	if err != nil {
		return nil, errors.New("a name of an object is no UTF-8")
	}
	return m, nil
}

// fill puts matchers, names and values in the place of the placeholders. It ends at the first error.
func (p *placeholders) fill(expr parser.Expr) error {
	var err error
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		err = p.fillNode(n)
		return err
	})
	if err == nil && p.forged {
		return errReserved
	}
	return err
}

func (p *placeholders) fillNode(n parser.Node) error {
	switch n := n.(type) {
	case *parser.VectorSelector:
		return p.fillSelector(n)
	case *parser.AggregateExpr:
		p.fillNames(n.Grouping)
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			p.fillNames(n.VectorMatching.MatchingLabels)
			p.fillNames(n.VectorMatching.Include)
		}
	case *parser.StringLiteral:
		if strings.Contains(n.Val, matchersPlaceholder) {
			return errors.New(".LabelMatchers stands in a text; it belongs between { and }")
		}
		n.Val = p.realText(n.Val)
	case *parser.Call:
		return p.admitReplace(n)
	}
	return nil
}

func (p *placeholders) fillNames(names []string) {
	for i := range names {
		names[i] = p.realName(names[i])
	}
}

func (p *placeholders) fillSelector(s *parser.VectorSelector) error {
	var filled []*labels.Matcher
	for _, m := range s.LabelMatchers {
		if m.Name == matchersPlaceholder {
			filled = append(filled, p.matchers...)
			continue
		}
		if strings.Contains(m.Name+m.Value, matchersPlaceholder) {
			return errors.New(".LabelMatchers stands in a name or a value; it belongs between { and }")
		}
		changed, err := p.realMatcher(m)
		if err != nil {
			return err
		}
		filled = append(filled, changed)
	}
	s.LabelMatchers, s.Name = filled, p.realName(s.Name)
	if !model.LegacyValidation.IsValidMetricName(s.Name) {
		s.Name = "" // the matcher of __name__ says it, in quotes
	}
	if !slices.ContainsFunc(filled, func(m *labels.Matcher) bool { return !m.Matches("") }) {
		return errors.New("a selector would select every series")
	}
	return nil
}

// realMatcher puts names and values in the place of their placeholders.
func (p *placeholders) realMatcher(m *labels.Matcher) (*labels.Matcher, error) {
	name, value := p.realName(m.Name), ""
	if m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp {
		value = p.realRegex(m.Value)
		if err := p.admit(value); err != nil {
			return nil, err
		}
	} else {
		value = p.realText(m.Value)
	}
	changed, err := labels.NewMatcher(m.Type, name, value)
	if err != nil {
		return nil, fmt.Errorf("the matcher of %s: %w", name, err)
	}
	return changed, nil
}
