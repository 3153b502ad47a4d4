package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Kind is the class of an [Error].
type Kind string

const (
	Unavailable   Kind = "unavailable"   // no connection, it broke off, or the server cannot answer now (5xx, 429)
	TimedOut      Kind = "timedOut"      // no whole answer in time, by our clock or the server's; errors.Is context.DeadlineExceeded
	Rejected      Kind = "rejected"      // the server refuses this question, in its own words
	Denied        Kind = "denied"        // it wants credentials, or other ones
	TooLarge      Kind = "tooLarge"      // the answer is beyond a limit of Options
	NotUnderstood Kind = "notUnderstood" // the answer is not that of a Prometheus API
	Partial       Kind = "partial"       // the server says that a part of its data is missing from the answer
)

// Error says why there is no answer. It is safe to show.
type Error struct {
	Kind   Kind
	Server string // scheme, host and path of the server, without credentials and parameters
	Status int    // of HTTP, 0 without an answer
	text   string
	cause  error
}

func (e *Error) Error() string { return e.Server + " " + e.text }

// Unwrap returns what the network said, if it did.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of an error of this package, or "".
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// fault is an error in the making: the server is added where it is known.
type fault struct {
	kind   Kind
	status int
	text   string
	hint   string
	cause  error
}

func (f *fault) Error() string { return f.text }

func faultf(kind Kind, format string, args ...any) *fault {
	return &fault{kind: kind, text: fmt.Sprintf(format, args...)}
}

func (f *fault) with(hint string) *fault {
	f.hint = hint
	return f
}

// network classifies what the transport or the reading of a body failed with. Addresses with their parameters are taken
// out of it: they may hold credentials.
func network(err error, doing string) *fault {
	for wrapped := (*url.Error)(nil); errors.As(err, &wrapped); {
		err = wrapped.Err
	}
	var timeout interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return &fault{kind: TimedOut, text: "did not answer in time", cause: context.DeadlineExceeded}
	}
	return &fault{kind: Unavailable, text: doing + ": " + err.Error(), cause: err}
}
