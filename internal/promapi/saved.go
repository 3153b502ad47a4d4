package promapi

import (
	"errors"
	"io"

	"github.com/truecount/truecount/internal/hint"
)

// ReadRange reads the saved answer of a range query, of at most maxBytes.
func ReadRange(r io.Reader, maxBytes int64) ([]Series, error) {
	var all []Series
	a := newAnswer(r, &Options{MaxBytes: maxBytes, MaxSeries: DefaultMaxSeries, MaxPoints: int(maxBytes)})
	end, err := a.envelope(func(a *answer) error {
		return a.result(true, func(e element) error {
			if !e.several {
				return faultf(NotUnderstood, "has single values").with("save the answer of /api/v1/query_range, not of /api/v1/query")
			}
			all = append(all, Series{Labels: e.labels, Points: e.points})
			return nil
		})
	})
	if err == nil && end.status == "error" {
		err = end.refusal(200)
	}
	if err == nil {
		err = end.remarks(&Options{})
	}
	var f *fault
	if errors.As(err, &f) {
		e := &Error{Kind: f.kind, Server: "the saved answer", text: f.text, cause: f.cause}
		if f.hint != "" {
			return nil, hint.Errorf(f.hint, "%w", e)
		}
		return nil, e
	}
	return all, err
}
