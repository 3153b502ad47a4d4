package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a file. It prints as one line: where, which field, what is wrong.
type Error struct {
	// File, Line and Column say where; lines and columns (in characters) count from 1. A line of 0 means that the value
	// did not come from a file but, say, from the command line.
	File         string
	Line, Column int
	// Path names the field, as spec.workers.count or spec.scale.on[0].signal; it is empty for mistakes of the whole file.
	Path string
	// Message says what is wrong.
	Message string
	// Hint says what to do about it; it may be empty.
	Hint string
	// Text is the line of the file, for an excerpt; it may be empty.
	Text string
}

// Error returns "file:line:column: path: message".
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// maxExcerpt bounds the width of an excerpt, in characters.
const maxExcerpt = 120

// Excerpt returns the line of the file with a caret under the place, or "" if there is nothing to show.
func (e *Error) Excerpt() string {
	text := []rune(e.Text)
	if len(text) == 0 || len(text) > maxExcerpt || e.Column < 1 || e.Column > len(text)+1 {
		return ""
	}
	indent := make([]rune, 0, e.Column)
	for i, r := range text {
		if r != '\t' && r < ' ' {
			text[i] = ' '
		}
		if i < e.Column-1 {
			if r == '\t' {
				indent = append(indent, '\t')
			} else {
				indent = append(indent, ' ')
			}
		}
	}
	prefix := fmt.Sprintf("%5d | ", e.Line)
	return prefix + string(text) + "\n" + strings.Repeat(" ", len(prefix)-2) + "| " + string(indent) + "^\n"
}

// Errors are all mistakes of a file, sorted by position. Never empty as an error.
type Errors []*Error

// Error returns a line for each mistake, followed by a line with its hint if it has one.
func (es Errors) Error() string {
	var b strings.Builder
	for i, e := range es {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
		if e.Hint != "" {
			b.WriteString("\nhint: " + e.Hint)
		}
	}
	return b.String()
}

// Report returns the mistakes for a terminal: a line, an excerpt and a hint for each.
func (es Errors) Report() string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(e.Error() + "\n" + e.Excerpt())
		if e.Hint != "" {
			b.WriteString("hint: " + e.Hint + "\n")
		}
	}
	return b.String()
}

// Unwrap returns the mistakes one by one, for [errors.As].
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// Sorted returns es sorted by position, each mistake once.
func (es Errors) Sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(es, func(a, b *Error) bool { return *a == *b })
}

// OrNil returns es as an error, sorted, or nil if there are none.
func (es Errors) OrNil() error {
	if len(es) == 0 {
		return nil
	}
	es = es.Sorted()
	if len(es) > MaxErrors {
		last := *es[MaxErrors-1]
		last.Path, last.Message, last.Hint = "", "there are more mistakes than can be shown; mend the first ones", ""
		es = append(es[:MaxErrors-1:MaxErrors-1], &last)
	}
	return es
}
