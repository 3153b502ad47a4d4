package oteltrace

import (
	"net/http"

	"github.com/truecount/truecount/instrument"
	"go.opentelemetry.io/otel/trace"
)

// Trace returns the ids of the span in the request's context, for instrument.Options.Trace. ok is false without a
// span, and with one whose ids are zero. It may be called concurrently.
func Trace(r *http.Request) (t instrument.Trace, ok bool) {
	span := trace.SpanContextFromContext(r.Context())
	if !span.IsValid() {
		return instrument.Trace{}, false
	}
	return instrument.Trace{
		TraceID: span.TraceID().String(),
		SpanID:  span.SpanID().String(),
		Sampled: span.IsSampled(),
	}, true
}
