// Package expression says which PromQL is too costly to be read. The parser's time grows with the square of an expression's
// length and, more so, with its depth, the memory of its regular expressions with what they repeat, and the text may be anybody's.
package expression

import "fmt"

// MaxDepth is how many parentheses may stand in one another, and how many signs in a row.
const MaxDepth = 64

// Bounded returns an error if the text is longer than limit bytes, nested deeper than [MaxDepth], or if its regular expressions take more
// than [MaxRegexes]. It does not parse it.
func Bounded(text string, limit int) error {
	if len(text) > limit {
		return fmt.Errorf("the PromQL is longer than %d bytes", limit)
	}
	depth, signs := 0, 0
	for _, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case '-', '+':
			signs++
			continue
		case ' ', '\t', '\n', '\r':
			continue
		}
		if depth > MaxDepth || signs > MaxDepth {
			return fmt.Errorf("the PromQL is nested more than %d deep", MaxDepth)
		}
		signs = 0
	}
	if Regexes(text) > MaxRegexes {
		return fmt.Errorf("the regular expressions of the PromQL repeat so much that they would take more than %d KiB", MaxRegexes>>10)
	}
	return nil
}
