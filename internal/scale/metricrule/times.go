package metricrule

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// branchLabel tells the parts of an answer apart: the values, and the times of the newest samples behind them.
const (
	branchLabel = placeholderMark + "__"
	valueBranch = "value"
	timeBranch  = "time"
)

// dated is a query that asks for values and for the age of what they are made of, in one go.
type dated struct {
	text  string
	value string // what gives the values
	// branches says whether the answer has branchLabel. Without it the times are not known.
	branches bool
	// window is how far back the longest range looks.
	window time.Duration
	// windows are those of the selectors that a value cannot be without; 0 for others.
	windows []time.Duration
	// spread is how the times are told apart.
	spread spread
}

// withTimes writes a query that also asks for the time of the newest sample: an instant query stamps its own time on every value,
// and looks back for five minutes. The times are asked of the selectors, one branch for each, by the label that names the object
// or, if that is empty, by the labels of the values. Where the label of a value is not that of the samples, as behind label_replace, times are not asked for.
func withTimes(expr parser.Expr, label string) dated {
	value := expr.String()
	if expr.Type() == parser.ValueTypeScalar {
		value = "vector(" + value + ")"
	}
	sources, ok := newest(expr)
	if !ok || len(sources) == 0 || makesLabel(expr, label) {
		return dated{text: value, value: value}
	}
	d := dated{value: value, branches: true, text: mark(value, valueBranch), spread: spread{by: []string{label}}}
	if label == "" {
		d.spread = spreadOf(expr)
	}
	for i, s := range sources {
		d.window = max(d.window, s.window)
		d.windows = append(d.windows, 0)
		if !s.dispensable {
			d.windows[i] = s.window
		}
		d.text += " or " + mark(s.newest(d.spread), timeBranch+strconv.Itoa(i))
	}
	return d
}

// mark adds the label of a branch to all series.
func mark(expr, branch string) string {
	return fmt.Sprintf(`label_replace(%s, %q, %q, "", "")`, expr, branchLabel, branch)
}

// sampleSource is a selector whose samples a value is made of.
type sampleSource struct {
	selector *parser.VectorSelector // without offset
	offset   time.Duration
	window   time.Duration // of its range, with the subqueries around
	// dispensable says that there may be a value without its samples, as on a side of or.
	dispensable bool
}

// newest is a query for the times of its newest samples. What an author moved by an offset is old on purpose: the offset is added back.
func (s sampleSource) newest(of spread) string {
	selector := *s.selector
	selector.OriginalOffset = s.offset
	var times parser.Expr = &parser.Call{Func: parser.Functions["timestamp"], Args: parser.Expressions{&selector}}
	if !of.all {
		times = &parser.AggregateExpr{Op: parser.MAX, Expr: times, Grouping: of.by}
	}
	if s.offset == 0 {
		return times.String()
	}
	return times.String() + " + " + strconv.FormatFloat(s.offset.Seconds(), 'f', -1, 64)
}

// newest lists the selectors of an expression, each once; false if one is fixed at a time (@).
func newest(expr parser.Expr) ([]sampleSource, bool) {
	var out []sampleSource
	ok := true
	parser.Inspect(expr, func(n parser.Node, above []parser.Node) error {
		if sub, isSub := n.(*parser.SubqueryExpr); isSub && (sub.Timestamp != nil || sub.StartOrEnd != 0) {
			ok = false
		}
		selector, isSelector := n.(*parser.VectorSelector)
		if !isSelector {
			return nil
		}
		if selector.Timestamp != nil || selector.StartOrEnd != 0 {
			ok = false
			return nil
		}
		plain := &parser.VectorSelector{Name: selector.Name, LabelMatchers: selector.LabelMatchers}
		s := sampleSource{selector: plain, offset: selector.OriginalOffset}
		path := append(slices.Clone(above), n)
		for i, a := range above {
			switch a := a.(type) {
			case *parser.BinaryExpr:
				s.dispensable = s.dispensable || a.Op == parser.LOR || a.Op == parser.LUNLESS && path[i+1] == a.RHS
			case *parser.Call:
				s.dispensable = s.dispensable || a.Func.Name == "absent" || a.Func.Name == "absent_over_time"
			case *parser.MatrixSelector:
				s.window += a.Range
			case *parser.SubqueryExpr:
				s.window, s.offset = s.window+a.Range, s.offset+a.OriginalOffset
			}
		}
		same := func(o sampleSource) bool { return o.selector.String() == plain.String() && o.offset == s.offset }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].window, out[i].dispensable = max(out[i].window, s.window), out[i].dispensable && s.dispensable
		} else {
			out = append(out, s)
		}
		return nil
	})
	return out, ok
}

// makesLabel says whether a label of the result may be another one than that of the samples behind it.
func makesLabel(expr parser.Expr, label string) bool {
	if label == "" {
		return false
	}
	makes := false
	text := func(e parser.Expr) string {
		for {
			switch inner := e.(type) {
			case *parser.StringLiteral:
				return inner.Val
			case *parser.ParenExpr:
				e = inner.Expr
			default:
				return label // not known: take it for the one
			}
		}
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			if n.Func.Name == "label_replace" || n.Func.Name == "label_join" {
				makes = makes || text(n.Args[1]) == label
			}
		case *parser.AggregateExpr:
			if n.Op == parser.COUNT_VALUES {
				makes = makes || text(n.Param) == label
			}
		case *parser.BinaryExpr:
			makes = makes || n.VectorMatching != nil && slices.Contains(n.VectorMatching.Include, label)
		}
		return nil
	})
	return makes
}
