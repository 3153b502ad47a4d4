package instrument

import (
	"net/http"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// Trace identifies the trace that a request belongs to, and the span in it.
type Trace struct {
	TraceID, SpanID string
	// Sampled says that the trace is kept, so that it is worth pointing to.
	Sampled bool
}

// Traceparent reads the trace of a request from its header traceparent, as the W3C recommendation Trace Context
// defines it. It is meant for Options.Trace. ok is false without a header, and with one that is broken.
//
// The span is the caller's. Where the service has spans of its own, take them: package contrib/oteltrace does so for
// OpenTelemetry.
func Traceparent(r *http.Request) (trace Trace, ok bool) {
	values := r.Header["Traceparent"]
	if len(values) != 1 {
		return Trace{}, false
	}
	return ParseTraceparent(values[0])
}

// Positions of the fields of a traceparent, version 00: "00-<32 hex>-<16 hex>-<2 hex>".
const (
	traceIDStart      = 3
	spanIDStart       = traceIDStart + 32 + 1
	flagsStart        = spanIDStart + 16 + 1
	traceparentLength = flagsStart + 2
)

// ParseTraceparent parses the value of a header traceparent (W3C Trace Context, level 1). ok is false for what the
// recommendation tells to ignore: wrong lengths, letters in upper case, ids of zeros alone, version ff. Of versions to
// come, it reads what version 00 has.
func ParseTraceparent(header string) (trace Trace, ok bool) {
	if len(header) < traceparentLength || header[2] != '-' || header[spanIDStart-1] != '-' || header[flagsStart-1] != '-' {
		return Trace{}, false
	}
	version := header[:2]
	if !lowerHex(version) || version == "ff" {
		return Trace{}, false
	}
	if len(header) > traceparentLength && (version == "00" || header[traceparentLength] != '-') {
		return Trace{}, false
	}
	trace.TraceID = header[traceIDStart : spanIDStart-1]
	trace.SpanID = header[spanIDStart : flagsStart-1]
	flags := header[flagsStart:traceparentLength]
	if !identifier(trace.TraceID) || !identifier(trace.SpanID) || !lowerHex(flags) {
		return Trace{}, false
	}
	trace.Sampled = hexDigit(flags[1])&1 == 1
	return trace, true
}

// identifier reports whether s is lower-case hexadecimal and not zero.
func identifier(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return lowerHex(s)
		}
	}
	return false
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// Names of an exemplar's labels, as Grafana and OpenTelemetry's exporters have them.
const (
	traceIDLabel = "trace_id"
	spanIDLabel  = "span_id"
)

// usable reports whether an application's ids can be exposed: they are not of one form (others than OpenTelemetry
// have their own), but they are text, and an exemplar's labels have at most 128 characters (OpenMetrics 1.0).
func (t Trace) usable() bool {
	if t.TraceID == "" || !utf8.ValidString(t.TraceID) || !utf8.ValidString(t.SpanID) {
		return false
	}
	characters := len(traceIDLabel) + utf8.RuneCountInString(t.TraceID)
	if t.SpanID != "" {
		characters += len(spanIDLabel) + utf8.RuneCountInString(t.SpanID)
	}
	return characters <= prometheus.ExemplarMaxRunes
}
