package metricrule

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/expression"
)

// Kind says which API a rule is for.
type Kind string

// The kinds of rules.
const (
	// Custom metrics are about objects: custom.metrics.k8s.io.
	Custom Kind = "custom"
	// External metrics are about no object: external.metrics.k8s.io.
	External Kind = "external"
)

// Rule is one rule, checked. It doesn't change.
type Rule struct {
	// Kind is the API that it serves.
	Kind Kind
	// Origin is file:line:column of where it is written.
	Origin string
	// Source is the name of its source, Namespace the one that owns it; empty is all.
	Source, Namespace string
	// Server names the Prometheus server that is asked; empty is the one of the command line.
	Server string
	// SeriesQuery is the selector of its series as it is written; empty for a declared metric.
	SeriesQuery string
	// MetricsQuery is the template of its query as it is written.
	MetricsQuery string

	fields     ruleFields
	matchers   []*labels.Matcher
	filters    []filter
	name       naming
	assoc      association
	namespaced bool // an external rule's queries are bound to the namespace of the request
	query      *queryTemplate
	declared   *declaredMetric // of an application's signal, else nil
}

// Discovery is a question to a server: which series are there.
type Discovery struct {
	// Server is the name of the server; empty is the one of the command line.
	Server string
	// Matcher is a series selector, as the API's match[] takes it.
	Matcher string
}

// discovery returns what has to be asked for the rule; of a source with a namespace, series of it only.
func (r *Rule) discovery(namespaceLabel string) Discovery {
	matchers := append([]*labels.Matcher(nil), r.matchers...)
	if r.Namespace != "" {
		matchers = append(matchers, labels.MustNewMatcher(labels.MatchEqual, namespaceLabel, r.Namespace))
	}
	return Discovery{Server: r.Server, Matcher: selectorText(matchers)}
}

// keeps says whether the rule is about series of that name.
func (r *Rule) keeps(series string) bool {
	for _, f := range r.filters {
		if f.regex.MatchString(series) != f.positive {
			return false
		}
	}
	return r.name.matches.MatchString(series)
}

// filter is one of seriesFilters.
type filter struct {
	regex    *regexp.Regexp
	positive bool
}

// ruleMistake is what is wrong in a field of a rule; the field is below the rule's own path.
type ruleMistake struct{ field, hint, message string }

// mistakef returns a mistake.
func mistakef(field, hint, format string, args ...any) *ruleMistake {
	return &ruleMistake{field, hint, fmt.Sprintf(format, args...)}
}

// compile makes a rule of its fields. The caller adds where it comes from.
func compile(kind Kind, f ruleFields) (*Rule, *ruleMistake) {
	r := &Rule{Kind: kind, Server: f.Server, SeriesQuery: f.SeriesQuery, MetricsQuery: f.MetricsQuery, fields: f, namespaced: true}
	if f.Resources.Namespaced != nil {
		r.namespaced = *f.Resources.Namespaced
	}
	var err error
	if r.matchers, err = parseSelector(f.SeriesQuery); err != nil {
		return nil, mistakef("seriesQuery", `write one series selector, as {__name__=~"^http_.*",namespace!=""}`, "is no series selector: %v", err)
	}
	switch {
	case len(f.SeriesFilters) > maxParts:
		return nil, mistakef("seriesFilters", "write one regular expression with | in it", "there are more than %d", maxParts)
	case len(f.Resources.Overrides) > maxParts:
		return nil, mistakef("resources.overrides", "use resources.template", "there are more than %d", maxParts)
	}
	for i, ff := range f.SeriesFilters {
		compiled, mistake := compileFilter(ff)
		if mistake != nil {
			mistake.field = strings.TrimSuffix(fmt.Sprintf("seriesFilters[%d].%s", i, mistake.field), ".")
			return nil, mistake
		}
		r.filters = append(r.filters, compiled)
	}
	var mistake *ruleMistake
	if r.name, mistake = compileNaming(f.Name); mistake != nil {
		return nil, mistake
	}
	if r.assoc, mistake = compileAssociation(f.Resources); mistake != nil {
		return nil, mistake
	}
	if r.query, mistake = compileQuery(f.MetricsQuery, kind, r.assoc); mistake != nil {
		return nil, mistake
	}
	return r, nil
}

func compileFilter(f filterFields) (filter, *ruleMistake) {
	field, text := "is", f.Is
	switch {
	case f.Is != "" && f.IsNot != "":
		return filter{}, mistakef("", "write two entries: every one must hold", "want exactly one of is and isNot, got both")
	case f.Is == "" && f.IsNot == "":
		return filter{}, mistakef("", "add is or isNot with a regular expression", "want exactly one of is and isNot, got none")
	case f.IsNot != "":
		field, text = "isNot", f.IsNot
	}
	regex, err := compileRegex(text)
	if err != nil {
		return filter{}, mistakef(field, "", "%v", err)
	}
	return filter{regex, field == "is"}, nil
}

// compileRegex reads a regular expression of bounded size.
func compileRegex(text string) (*regexp.Regexp, error) {
	if len(text) > maxRegex {
		return nil, fmt.Errorf("the regular expression is longer than %d bytes", maxRegex)
	}
	if expression.RegexSize(text) > expression.MaxRegexes {
		return nil, fmt.Errorf("the regular expression repeats so much that it would take more than %d KiB", expression.MaxRegexes>>10)
	}
	regex, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return regex, nil
}
