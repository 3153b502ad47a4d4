package instrument

import (
	"io"
	"net/http"
)

// recorder is a response writer that remembers status and size.
//
// Each serves one request and is never used again, even though pooling them would be the obvious way to save
// allocations: a handler may leave a goroutine behind that still writes, and in a recorder that was used again it would
// write into a stranger's response. Nothing can tell whether a handler did so. So recorders are made in batches
// (see fresh), which costs one allocation in fifty requests, and a late writer reaches its own
// finished response, as it does without the middleware.
type recorder struct {
	http.ResponseWriter
	size    int64
	details *details // nil if there are none
	status  int32    // 0 before the header was written
	// streamed: the handler flushed. hijacked: it took the connection over. extended: Options.Extended, so there are details.
	streamed, hijacked, extended bool
}

// self tells a recorder from other writers.
func (r *recorder) self() *recorder { return r }

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	// Informational responses precede the final one; 101 is final (RFC 9110, 15.2).
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols || status < 100) {
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// begin is told the status of the answer, once.
func (r *recorder) begin(status int) {
	r.status = int32(status)
	if r.extended {
		r.details.begin(r.Header())
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	if r.extended && r.details.sniffable {
		r.details.write(b)
	}
	n, err := r.ResponseWriter.Write(b)
	r.size += int64(n)
	return n, err
}

// WriteString saves a copy of the string where the server's writer does.
func (r *recorder) WriteString(s string) (int, error) {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	if r.extended && r.details.sniffable {
		r.details.write([]byte(s[:min(len(s), sniffed)]))
	}
	n, err := io.WriteString(r.ResponseWriter, s)
	r.size += int64(n)
	return n, err
}

func (r *recorder) flushed() {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	r.streamed = true
}

func (r *recorder) flushError() error {
	r.flushed()
	switch f := r.ResponseWriter.(type) {
	case interface{ FlushError() error }:
		return f.FlushError()
	case http.Flusher:
		f.Flush()
	}
	return nil
}

func (r *recorder) takenOver() {
	r.hijacked = true
	if r.status == 0 {
		r.status = http.StatusSwitchingProtocols
	}
}
