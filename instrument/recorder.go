package instrument

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
)

// recorder is a response writer that remembers status and size.
//
// Each serves one request and is never used again, even though pooling them would be the obvious way to save
// allocations: a handler may leave a goroutine behind that still writes, and in a recorder that was used again it would
// write into a stranger's response. Nothing can tell whether a handler did so. So recorders are made thirty-two at
// a time (see record), which costs one allocation in thirty-two requests, and a late writer reaches its own
// finished response, as it does without the middleware.
type recorder struct {
	http.ResponseWriter
	request *http.Request // the request as the router saw it, see Routed
	status  int           // 0 before the header was written
	size    int64
}

// self tells a recorder from other writers.
func (r *recorder) self() *recorder { return r }

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	// Informational responses precede the final one; 101 is final (RFC 9110, 15.2).
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols || status < 100) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.begin()
	n, err := r.ResponseWriter.Write(b)
	r.size += int64(n)
	return n, err
}

// WriteString saves a copy of the string where the server's writer does.
func (r *recorder) WriteString(s string) (int, error) {
	r.begin()
	n, err := io.WriteString(r.ResponseWriter, s)
	r.size += int64(n)
	return n, err
}

func (r *recorder) begin() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
}

func (r *recorder) flushError() error {
	r.begin()
	switch f := r.ResponseWriter.(type) {
	case interface{ FlushError() error }:
		return f.FlushError()
	case http.Flusher:
		f.Flush()
	}
	return nil
}

// A handler asks a writer for its optional interfaces by type assertion, so a recorder must have exactly those
// of the writer within. These types are one struct with the sets that net/http's writers have.
type (
	plainRecorder struct{ recorder }
	flushRecorder plainRecorder // httptest's recorder
	http1Recorder plainRecorder // a connection of HTTP/1
	http2Recorder plainRecorder // a stream of HTTP/2
)

type http1Writer interface {
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}

func (r *flushRecorder) Flush()            { _ = r.flushError() }
func (r *flushRecorder) FlushError() error { return r.flushError() }
func (r *http2Recorder) Flush()            { _ = r.flushError() }
func (r *http2Recorder) FlushError() error { return r.flushError() }
func (r *http1Recorder) Flush()            { _ = r.flushError() }
func (r *http1Recorder) FlushError() error { return r.flushError() }

func (r *http2Recorder) Push(target string, opts *http.PushOptions) error {
	return r.ResponseWriter.(http.Pusher).Push(target, opts)
}

func (r *http1Recorder) ReadFrom(src io.Reader) (int64, error) {
	r.begin()
	n, err := r.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
	r.size += n
	return n, err
}

func (r *http1Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := r.ResponseWriter.(http.Hijacker).Hijack()
	if err == nil && r.status == 0 {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, buf, err
}

// record returns an unused recorder of w, and the same as the writer to hand on.
func record(w http.ResponseWriter) (*recorder, http.ResponseWriter) {
	p := fresh()
	p.ResponseWriter = w
	switch w.(type) {
	case http1Writer:
		return &p.recorder, (*http1Recorder)(p)
	case http.Flusher:
		if _, ok := w.(http.Pusher); ok {
			return &p.recorder, (*http2Recorder)(p)
		}
		return &p.recorder, (*flushRecorder)(p)
	default:
		return &p.recorder, p
	}
}

// batch is memory for recorders; those before next were given away. The last ones of a batch keep it from the garbage
// collector together with the requests before them, so a batch is small.
type batch struct {
	next      int
	recorders [32]plainRecorder
}

var batches = sync.Pool{New: func() any { return new(batch) }}

func fresh() *plainRecorder {
	b := batches.Get().(*batch)
	p := &b.recorders[b.next]
	if b.next++; b.next < len(b.recorders) {
		batches.Put(b)
	}
	return p
}
