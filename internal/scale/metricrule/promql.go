package metricrule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/expression"
)

// Limits of what a rule may cost, beside those of package expression.
const (
	maxQuery = 8 << 10 // bytes of one expression or template
	maxRegex = 1 << 10 // bytes of one regular expression
	maxName  = 1 << 10 // bytes of a metric's name, of what makes it, and of the name of the series
	maxRules = 2000    // rules of one source
	maxParts = 100     // filters or overrides of one rule
)

// parseExpr reads PromQL with the functions and syntax that are on by default.
func parseExpr(text string) (parser.Expr, error) {
	if err := expression.Bounded(text, maxQuery); err != nil {
		return nil, err
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	return expr, plainParseError(err)
}

// parseSelector reads a series selector.
func parseSelector(text string) ([]*labels.Matcher, error) {
	if err := expression.Bounded(text, maxQuery); err != nil {
		return nil, err
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
	return matchers, plainParseError(err)
}

// plainParseError says where and why a text is no PromQL, on one line.
func plainParseError(err error) error {
	var all parser.ParseErrors
	var one *parser.ParseErr
	switch {
	case err == nil:
		return nil
	case errors.As(err, &all) && len(all) > 0:
		one = &all[0]
	case !errors.As(err, &one):
		return err
	}
	message, _, _ := strings.Cut(one.Err.Error(), "\n")
	return fmt.Errorf("character %d of the PromQL: %s", one.PositionRange.Start+1, message)
}

// selectorText writes matchers as a series selector.
func selectorText(matchers []*labels.Matcher) string {
	return (&parser.VectorSelector{LabelMatchers: matchers}).String()
}

// selectorsIn returns the vector selectors of an expression, those of range selectors, too.
func selectorsIn(expr parser.Expr) []*parser.VectorSelector {
	var out []*parser.VectorSelector
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			out = append(out, s)
		}
		return nil
	})
	return out
}

// bind adds a matcher of the namespace to every selector of an expression; what its author wrote stays, and both must hold.
func bind(expr parser.Expr, label, namespace string) {
	for _, s := range selectorsIn(expr) {
		s.LabelMatchers = append(s.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, label, namespace))
	}
}
