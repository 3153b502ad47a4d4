package expression

import (
	"regexp/syntax"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/strutil"
)

// MaxRegexes bounds what the regular expressions of one text take in memory, in bytes. Names that are all written out stay far below it,
// in however long a text; a repetition is short and large: .{999} takes 48,000 bytes, and may be repeated itself by being written again.
const MaxRegexes = 512 << 10

// RegexSize returns what a regular expression takes in memory when it is compiled, in bytes and roughly; 0 for a text that is none. It does
// not compile it.
func RegexSize(pattern string) int {
	parsed, err := syntax.Parse(pattern, syntax.Perl|syntax.DotNL)
	if err != nil {
		return 0
	}
	// By measurement: a program has 40 bytes for an instruction, and 4 for a character of a class; a short one has these twice more, to find
	// out whether one pass is enough.
	instructions, characters := weigh(parsed)
	return 48*instructions + 12*characters
}

// Regexes returns the sum of [RegexSize] for the matchers of an expression or selector, which it does not parse.
func Regexes(text string) int {
	size, isPattern := 0, false
	lexer, item := parser.Lex(text), parser.Item{}
	for lexer.NextItem(&item); item.Typ != parser.EOF && item.Typ != parser.ERROR; lexer.NextItem(&item) {
		switch {
		case item.Typ == parser.COMMENT:
			continue
		case isPattern && item.Typ == parser.STRING:
			if pattern, err := strutil.Unquote(item.Val); err == nil {
				size += RegexSize(pattern)
			}
		}
		isPattern = item.Typ == parser.EQL_REGEX || item.Typ == parser.NEQ_REGEX
	}
	return size
}

// weigh counts what a program of the expression has. Repetitions share their characters.
func weigh(re *syntax.Regexp) (instructions, characters int) {
	for _, sub := range re.Sub {
		i, c := weigh(sub)
		instructions, characters = instructions+i, characters+c
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune), 0
	case syntax.OpCharClass:
		return 1, len(re.Rune)
	case syntax.OpRepeat:
		if re.Max < 0 { // x{2,} is xx+
			return max(re.Min, 1)*instructions + 1, characters
		}
		return re.Max*instructions + re.Max - re.Min, characters // x{2,4} is xx(x(x)?)?
	case syntax.OpCapture, syntax.OpAlternate:
		return instructions + max(2, len(re.Sub)), characters
	case syntax.OpConcat:
		return instructions, characters
	}
	return instructions + 1, characters
}
