package metricrule

import (
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/expression"
	"github.com/truecount/truecount/internal/hint"
)

// A template is measured with placeholders in its regular expressions, and a request's values may be longer, thousands of objects' names
// long. Written out they take valueBytes for a character; the regular expressions of one query may do that valueCopies times. More is what
// a template repeats.
const (
	valueBytes  = 48
	valueCopies = 8
)

// admit counts a regular expression with the values in it, before it is compiled. One that is longer than the values, all of them quoted,
// make it is not even read.
func (p *placeholders) admit(pattern string) error {
	copies := valueCopies * p.characters()
	limit := expression.MaxRegexes + valueBytes*copies
	if len(pattern) <= maxQuery+2*copies {
		p.regexes += expression.RegexSize(pattern)
		if p.regexes <= limit {
			return nil
		}
	}
	return hint.Errorf("repeat less in the regular expressions of metricsQuery, or ask for fewer values",
		"with the values of the request the regular expressions of the query would take more than %d KiB", limit>>10)
}

// admitReplace is admit for label_replace, whose regular expression is a text, and compiled by the server only.
func (p *placeholders) admitReplace(call *parser.Call) error {
	if call.Func.Name != "label_replace" {
		return nil
	}
	pattern := call.Args[len(call.Args)-1]
	for {
		inner, is := pattern.(*parser.ParenExpr)
		if !is {
			break
		}
		pattern = inner.Expr
	}
	if text, is := pattern.(*parser.StringLiteral); is {
		return p.admit(p.realText(text.Val))
	}
	return nil
}

// characters is the length of all values, with a sign between two.
func (p *placeholders) characters() int {
	n := 0
	for _, list := range p.values {
		for _, value := range list {
			n += len(value) + 1
		}
	}
	return n
}
