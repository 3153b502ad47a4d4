// Package oteltrace gives exemplars the trace of OpenTelemetry's span.
package oteltrace
