package instrument

import "time"

// Served is what became of one request, as the metrics counted it.
type Served struct {
	// Route, Method and Status are the values of the labels: "unmatched", "other" and 0 for what is not known.
	Route, Method string
	Status        int
	// Size is that of the response's body as the handler wrote it, in bytes; 0 for HEAD.
	Size int64
	// Duration is the time from the request's arrival in [Metrics.Middleware] to the return of its handler.
	Duration time.Duration
	// Panicked says that the handler did not return.
	Panicked bool
	// TraceID and SpanID are what Options.Trace said, sampled or not; "" without it, and if the ids can't be text.
	TraceID, SpanID string
}
