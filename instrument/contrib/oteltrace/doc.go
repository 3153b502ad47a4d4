// Package oteltrace gives exemplars and access logs the trace of OpenTelemetry's span.
//
//	m, err := instrument.New(instrument.Options{Registry: registry, Trace: oteltrace.Trace})
//
// The span must be in the context of the request that reaches [instrument.Metrics.Middleware], so what starts it goes
// around: otelhttp.NewHandler(m.Middleware(mux), "service"). Where it is started further in, wrap that in
// [instrument.Routed].
//
// It needs OpenTelemetry's API only. Without it, instrument.Traceparent reads the caller's trace from the header.
package oteltrace
