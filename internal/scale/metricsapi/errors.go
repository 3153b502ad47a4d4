package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// result is why a request has no value, or that it has one. It is what metrics count.
type result string

const (
	ok          result = "ok"
	noMetric    result = "no_metric"     // nobody has the metric
	noObjects   result = "no_objects"    // the selector chooses nothing
	noData      result = "no_data"       // the server has no sample of it
	notKnownYet result = "not_known_yet" // the servers or the cluster have not said yet what there is
	badValue    result = "bad_value"     // NaN, infinite, several, or beyond what a quantity holds
	tooOld      result = "too_old"       // the newest sample is
	conflict    result = "conflict"      // two rules or series give the metric
	badRequest  result = "bad_request"   // it cannot be asked so
	unavailable result = "unavailable"   // the server does not answer, or not with data
	timedOut    result = "timed_out"
	refused     result = "refused" // the server refuses the query
	tooMany     result = "too_many_requests"
	ending      result = "ending"
	fault       result = "fault"
)

// failure is why there is no value.
type failure struct {
	result result
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failf(r result, format string, args ...any) *failure {
	return &failure{r, fmt.Errorf(format, args...)}
}

// resultOf classifies any error of answering.
func resultOf(err error) result {
	var f *failure
	switch {
	case err == nil:
		return ok
	case errors.As(err, &f):
		return f.result
	case errors.Is(err, errEnding):
		return ending
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return timedOut
	}
	switch promapi.KindOf(err) {
	case promapi.TimedOut:
		return timedOut
	case promapi.Rejected:
		return refused
	case "":
		return fault
	}
	return unavailable
}

// status is what each result is to a client. An autoscaler holds at any of them; people read the reason.
var status = map[result]struct {
	code   int32
	reason metav1.StatusReason
}{
	noMetric:    {http.StatusNotFound, metav1.StatusReasonNotFound},
	noObjects:   {http.StatusNotFound, metav1.StatusReasonNotFound},
	noData:      {http.StatusNotFound, metav1.StatusReasonNotFound},
	badRequest:  {http.StatusBadRequest, metav1.StatusReasonBadRequest},
	notKnownYet: {http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable},
	unavailable: {http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable},
	ending:      {http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable},
	timedOut:    {http.StatusGatewayTimeout, metav1.StatusReasonTimeout},
	tooMany:     {http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests},
}

// apiError turns an error into the one that clients get: a status with the reason, and what the operator can do.
func apiError(what string, err error) error {
	r := resultOf(err)
	s, known := status[r]
	if !known {
		s.code, s.reason = http.StatusInternalServerError, metav1.StatusReasonInternalError
	}
	message := what + ": " + err.Error()
	if h := hint.Of(err); h != "" {
		message += " (" + h + ")"
	}
	e := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: s.code, Reason: s.reason, Message: message}}
	if r == tooMany {
		e.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	}
	return e
}
