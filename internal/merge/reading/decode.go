package reading

import (
	"errors"
	"fmt"
	"mime"
)

// Accept is the Accept header that gets the most out of a worker: protobuf is exact and the only format with native
// histograms, OpenMetrics has exemplars, text is what everyone speaks.
const Accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.9," +
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7," +
	"text/plain;version=0.0.4;escaping=allow-utf-8;q=0.5"

// ErrContentType is wrapped by the error of [Decode] for an answer in a format that is none of ours.
var ErrContentType = errors.New("not an exposition format")

// ErrMalformed is wrapped by the error of [Decode] for an answer that breaks off or breaks its format's rules.
var ErrMalformed = errors.New("malformed exposition")

// Decode reads a worker's answer of the given Content-Type: delimited protobuf, OpenMetrics 1.0 or 0.0.1, or text 0.0.4.
// A single series that can't be used is skipped and counted; an answer that breaks its format is an error as a whole,
// as half an answer can't be told from counters that were reset. The result shares no memory with body.
func Decode(body []byte, contentType string, l Limits) (r *Reading, err error) {
	// The parsers are other people's code and fuzzed; a panic in them must still not cost more than this worker's answer.
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("%w: the parser gave up: %v", ErrMalformed, p)
		}
	}()
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, fmt.Errorf("%w: Content-Type %q", ErrContentType, contentType)
	}
	c := newCollector(l.OrDefault())
	if len(body) > c.limits.Bytes {
		return nil, fmt.Errorf("%w: %d bytes are more than the limit of %d", ErrMalformed, len(body), c.limits.Bytes)
	}
	switch {
	case media == "application/vnd.google.protobuf" && params["proto"] == "io.prometheus.client.MetricFamily" && params["encoding"] == "delimited":
		err = decodeProto(c, body)
	case media == "application/openmetrics-text" && params["version"] != "2.0.0":
		err = decodeText(c, body, true)
	case media == "text/plain" && (params["version"] == "" || params["version"] == "0.0.4" || params["version"] == "1.0.0"):
		err = decodeText(c, body, false)
	default:
		return nil, fmt.Errorf("%w: Content-Type %q", ErrContentType, contentType)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return c.reading, nil
}
