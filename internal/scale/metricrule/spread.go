package metricrule

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// spread says by which labels of the samples the values of a query differ: by all that they have, by some, or by none that is known.
type spread struct {
	all bool
	by  []string // sorted
}

func (s spread) equal(o spread) bool { return s.all == o.all && slices.Equal(s.by, o.by) }

// spreadOf says it of an expression.
func spreadOf(expr parser.Expr) spread {
	switch e := expr.(type) {
	case *parser.VectorSelector, *parser.MatrixSelector:
		return spread{all: true}
	case *parser.ParenExpr:
		return spreadOf(e.Expr)
	case *parser.UnaryExpr:
		return spreadOf(e.Expr)
	case *parser.StepInvariantExpr:
		return spreadOf(e.Expr)
	case *parser.SubqueryExpr:
		return spreadOf(e.Expr)
	case *parser.AggregateExpr:
		return spreadOfAggregate(e)
	case *parser.Call:
		return spreadOfCall(e)
	case *parser.BinaryExpr:
		return spreadOfBinary(e)
	}
	return spread{}
}

func spreadOfAggregate(e *parser.AggregateExpr) spread {
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return spreadOf(e.Expr)
	case parser.COUNT_VALUES:
		return spread{}
	}
	inner, by := spreadOf(e.Expr), sorted(e.Grouping)
	lacks := func(name string) bool { return !slices.Contains(inner.by, name) }
	if e.Without || !inner.all && slices.ContainsFunc(by, lacks) {
		return spread{}
	}
	return spread{by: by}
}

// spreadOfCall knows the functions that leave the labels of their only vector as they are.
func spreadOfCall(e *parser.Call) spread {
	switch e.Func.Name {
	case "absent", "absent_over_time", "histogram_quantile", "label_join", "label_replace", "scalar", "vector", "info":
		return spread{}
	}
	out, vectors := spread{}, 0
	for _, arg := range e.Args {
		if kind := arg.Type(); kind == parser.ValueTypeVector || kind == parser.ValueTypeMatrix {
			out, vectors = spreadOf(arg), vectors+1
		}
	}
	if vectors != 1 {
		return spread{}
	}
	return out
}

// spreadOfBinary knows what both sides have in common, where they are matched by all that they have.
func spreadOfBinary(e *parser.BinaryExpr) spread {
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return spreadOf(e.RHS)
	case e.RHS.Type() == parser.ValueTypeScalar:
		return spreadOf(e.LHS)
	case e.VectorMatching == nil || e.VectorMatching.On || len(e.VectorMatching.MatchingLabels) > 0:
		return spread{}
	}
	if left := spreadOf(e.LHS); left.equal(spreadOf(e.RHS)) {
		return left
	}
	return spread{}
}
