package application

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/expression"
	"github.com/truecount/truecount/internal/strictyaml"
)

// Limits of PromQL, beside those of package expression.
const (
	maxQuery   = 4 << 10  // bytes of one expression
	maxQueries = 64 << 10 // bytes of all expressions of a document
)

// queryTooLarge says why an expression is not even read, or "".
func (c *checker) queryTooLarge(query string) string {
	c.queryBytes += len(query)
	if err := expression.Bounded(query, maxQuery); err != nil {
		return err.Error()
	}
	if c.queryBytes > maxQueries {
		return fmt.Sprintf("all PromQL of the application together is longer than %d bytes", maxQueries)
	}
	return ""
}

// parseQuery reads PromQL with the functions and syntax that the embedded server has enabled.
func parseQuery(query string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(query)
}

// queries checks the signals.
func (c *checker) queries(s *Spec) {
	for _, name := range slices.Sorted(maps.Keys(s.Signals)) {
		path := strictyaml.Join("spec.signals", name)
		if !model.LegacyValidation.IsValidMetricName(name) || strings.Contains(name, ":") {
			c.fail(path, "use letters, digits and _, as demo_app_button_clicks_per_second", "%s cannot be the name of a signal", strictyaml.Quote(name))
		}
		c.query(path+".query", s.Signals[name].Query)
	}
}

// query checks one PromQL expression and returns it, or nil if it is wrong.
func (c *checker) query(path, query string) parser.Expr {
	if !c.source.Given(path) && query == "" {
		return nil // missing, and reported as such
	}
	if why := c.queryTooLarge(query); why != "" {
		c.fail(path, "record parts of it by rules, and use their names", "%s", why)
		return nil
	}
	expr, err := parseQuery(query)
	if err == nil {
		return expr
	}
	message, offset := err.Error(), 0
	var all parser.ParseErrors
	var one *parser.ParseErr
	switch {
	case errors.As(err, &all) && len(all) > 0:
		message, offset = all[0].Err.Error(), int(all[0].PositionRange.Start)
	case errors.As(err, &one):
		message, offset = one.Err.Error(), int(one.PositionRange.Start)
	}
	offset = min(max(offset, 0), len(query))
	line, column := strings.Count(query[:offset], "\n")+1, utf8.RuneCountInString(query[strings.LastIndexByte(query[:offset], '\n')+1:offset])+1
	where := fmt.Sprintf("character %d", column)
	if strings.Contains(strings.TrimRight(query, "\n"), "\n") {
		where = fmt.Sprintf("line %d, character %d", line, column)
	}
	e := c.source.Errorf(path, "", "%s of the PromQL: %s", where, message)
	c.pointInside(e, query, offset)
	c.errs = append(c.errs, e)
	return nil
}

// pointInside moves a mistake from the beginning of a value to the character at offset, where the file shows the value
// as it is, on one line.
func (c *checker) pointInside(e *Error, value string, offset int) {
	text := []rune(e.Text)
	if e.Column < 1 || e.Column > len(text) {
		return
	}
	rest, skip := string(text[e.Column-1:]), 0
	if strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'") {
		rest, skip = rest[1:], 1
	}
	if strings.HasPrefix(rest, value) {
		e.Column += skip + utf8.RuneCountInString(value[:offset])
	}
}

// keepsLabel says whether the series that an expression returns still have the label, if the series in it have.
func keepsLabel(expr parser.Expr, label string) bool {
	switch e := expr.(type) {
	case *parser.VectorSelector, *parser.MatrixSelector:
		return true
	case *parser.ParenExpr:
		return keepsLabel(e.Expr, label)
	case *parser.UnaryExpr:
		return keepsLabel(e.Expr, label)
	case *parser.SubqueryExpr:
		return keepsLabel(e.Expr, label)
	case *parser.StepInvariantExpr:
		return keepsLabel(e.Expr, label)
	case *parser.AggregateExpr:
		return aggregateKeeps(e, label)
	case *parser.BinaryExpr:
		return binaryKeeps(e, label)
	case *parser.Call:
		if e.Func.Name == "absent" || e.Func.Name == "absent_over_time" || e.Func.Name == "scalar" {
			return false
		}
		return slices.ContainsFunc(e.Args, func(a parser.Expr) bool { return keepsLabel(a, label) })
	}
	return false
}

func aggregateKeeps(e *parser.AggregateExpr, label string) bool {
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return keepsLabel(e.Expr, label)
	}
	return slices.Contains(e.Grouping, label) != e.Without && keepsLabel(e.Expr, label)
}

func binaryKeeps(e *parser.BinaryExpr, label string) bool {
	m := e.VectorMatching
	left, right := keepsLabel(e.LHS, label), keepsLabel(e.RHS, label)
	switch {
	case m == nil: // one side is a number
		return left || right
	case e.Op.IsSetOperator():
		return left
	case m.Card == parser.CardManyToOne:
		return left
	case m.Card == parser.CardOneToMany:
		return right
	}
	return left && right && slices.Contains(m.MatchingLabels, label) == m.On
}

// metricsIn returns the names of the metrics in an expression, in the order of the text; counters (what a rate or
// increase is taken of) apart.
func metricsIn(expr parser.Expr) (counters, others []string) {
	parser.Inspect(expr, func(node parser.Node, above []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := selector.Name
		for _, m := range selector.LabelMatchers {
			if name == "" && m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				name = m.Value
			}
		}
		if name == "" {
			return nil
		}
		for _, a := range above {
			if call, ok := a.(*parser.Call); ok && (call.Func.Name == "rate" || call.Func.Name == "irate" || call.Func.Name == "increase") {
				counters = append(counters, name)
				return nil
			}
		}
		others = append(others, name)
		return nil
	})
	return counters, others
}

// StripMetric returns the name of the metric that the live strip shows: spec.show, or else the counter in the query of
// the first signal that scales, or else "".
func (a *Application) StripMetric() string {
	if a.Spec.Show != "" || a.Spec.Scale == nil {
		return a.Spec.Show
	}
	for _, on := range a.Spec.Scale.On {
		expr, err := parseQuery(a.Spec.Signals[on.Signal].Query)
		if err != nil {
			continue
		}
		counters, others := metricsIn(expr)
		for _, name := range append(counters, others...) {
			return name
		}
	}
	return ""
}

// Window returns the longest range that a signal's query looks back over, as 2m in rate(clicks_total[2m]); 0 if it looks at
// the newest values only. It is how long a burst keeps the signal up.
func (a *Application) Window(signal string) Duration {
	expr, err := parseQuery(a.Spec.Signals[signal].Query)
	if err != nil {
		return 0
	}
	var longest Duration
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.MatrixSelector); ok {
			longest = max(longest, Duration(selector.Range))
		}
		return nil
	})
	return longest
}
