package metricrule

import (
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/truecount/truecount/internal/hint"
)

// What a selector may have: a template goes over its labels, and each value is in the query as often as the template says.
const (
	maxRequirements = 100
	maxValues       = 1000
)

// condition is one requirement of a request's selector.
type condition struct {
	label    string
	operator selection.Operator
	values   []string
}

// conditions takes a selector apart. Nil selects everything.
func conditions(selector k8slabels.Selector) ([]condition, error) {
	if selector == nil {
		return nil, nil
	}
	requirements, selectable := selector.Requirements()
	if !selectable {
		return nil, errors.New("the metric's selector selects nothing")
	}
	if err := bounded(requirements); err != nil {
		return nil, err
	}
	var out []condition
	for _, r := range requirements {
		c := condition{r.Key(), r.Operator(), r.ValuesUnsorted()}
		if c.operator != selection.Equals && len(c.values) > 1 {
			c.values = sorted(c.values)
		}
		if _, err := c.matcher(); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// bounded refuses a selector that is larger than one that says what is meant.
func bounded(requirements k8slabels.Requirements) error {
	if len(requirements) > maxRequirements {
		return hint.Errorf("leave some out, or write them into the rule's metricsQuery", "the metric's selector has more than %d requirements", maxRequirements)
	}
	values := 0
	for _, r := range requirements {
		values += len(r.ValuesUnsorted())
	}
	if values > maxValues {
		return hint.Errorf("ask for fewer, or write a regular expression into the rule's metricsQuery", "the metric's selector has more than %d values", maxValues)
	}
	return nil
}

// matcher returns the condition in PromQL's terms. Values are taken literally.
func (c condition) matcher() (*labels.Matcher, error) {
	var kind labels.MatchType
	several := len(c.values) > 1
	switch c.operator {
	case selection.Exists:
		return labels.NewMatcher(labels.MatchNotEqual, c.label, "")
	case selection.DoesNotExist:
		return labels.NewMatcher(labels.MatchEqual, c.label, "")
	case selection.Equals, selection.DoubleEquals:
		kind = labels.MatchEqual
	case selection.NotEquals:
		kind = labels.MatchNotEqual
	case selection.In:
		kind = labels.MatchRegexp
	case selection.NotIn:
		kind = labels.MatchNotRegexp
	default:
		return nil, fmt.Errorf("the operator %s of the metric's selector has no counterpart in PromQL", c.operator)
	}
	if len(c.values) == 0 {
		return nil, fmt.Errorf("the operator %s of the metric's selector has no value", c.operator)
	}
	switch {
	case several && kind == labels.MatchEqual:
		kind = labels.MatchRegexp
	case several && kind == labels.MatchNotEqual:
		kind = labels.MatchNotRegexp
	}
	if kind == labels.MatchEqual || kind == labels.MatchNotEqual {
		return labels.NewMatcher(kind, c.label, c.values[0])
	}
	return labels.NewMatcher(kind, c.label, anyOf(c.values))
}
