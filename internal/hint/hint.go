// Package hint gives an error its second half: what the operator can do about it.
//
// An error says what is wrong and where; its hint says what to try. Commands print them on two lines.
package hint

import (
	"errors"
	"fmt"
	"io"
)

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Errorf returns an error of the formatted message (with %w, as in [fmt.Errorf]) that carries the hint.
func Errorf(hint, format string, args ...any) error {
	return &hinted{fmt.Errorf(format, args...), hint}
}

// Of returns the outermost hint that err or one of the errors it wraps carries, or "".
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// Print writes err for an operator: "program: what is wrong", and its hint on a line of its own if it has one.
func Print(w io.Writer, program string, err error) {
	fmt.Fprintf(w, "%s: %v\n", program, err)
	if h := Of(err); h != "" {
		fmt.Fprintf(w, "hint: %s\n", h)
	}
}
