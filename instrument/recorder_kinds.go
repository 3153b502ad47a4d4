package instrument

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

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

// FlushError is not among what a handler asks for by assertion, so that it does no harm where nothing can be flushed.
func (r *plainRecorder) FlushError() error {
	err := http.NewResponseController(r.ResponseWriter).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		r.flushed()
	}
	return err
}

// Unwrap hands [http.ResponseController] a writer that notices when the connection is taken over further out.
func (r *plainRecorder) Unwrap() http.ResponseWriter { return (*unwrapped)(&r.recorder) }
func (r *flushRecorder) Unwrap() http.ResponseWriter { return (*unwrapped)(&r.recorder) }

type unwrapped recorder

func (r *unwrapped) self() *recorder             { return (*recorder)(r) }
func (r *unwrapped) Unwrap() http.ResponseWriter { return r.ResponseWriter }
func (r *unwrapped) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.self().takenOver()
	}
	return conn, buf, err
}

func (r *flushRecorder) Flush()            { _ = r.flushError() }
func (r *flushRecorder) FlushError() error { return r.flushError() }
func (r *http2Recorder) Flush()            { _ = r.flushError() }
func (r *http2Recorder) FlushError() error { return r.flushError() }
func (r *http1Recorder) Flush()            { _ = r.flushError() }
func (r *http1Recorder) FlushError() error { return r.flushError() }

// CloseNotify is deprecated, but frameworks still insist on it: gin's Context.Stream panics without.
func (r *http1Recorder) CloseNotify() <-chan bool { return closeNotify(r.ResponseWriter) }
func (r *http2Recorder) CloseNotify() <-chan bool { return closeNotify(r.ResponseWriter) }

// closeNotify never tells anything where the writer within cannot, as that of another middleware.
func closeNotify(w http.ResponseWriter) <-chan bool {
	if n, ok := w.(interface{ CloseNotify() <-chan bool }); ok {
		return n.CloseNotify()
	}
	return nil
}

func (r *http2Recorder) Push(target string, opts *http.PushOptions) error {
	return r.ResponseWriter.(http.Pusher).Push(target, opts)
}

func (r *http1Recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	n, err := r.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
	r.size += n
	return n, err
}

func (r *http1Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := r.ResponseWriter.(http.Hijacker).Hijack()
	if err == nil {
		r.takenOver()
	}
	return conn, buf, err
}

// record returns an unused recorder of w, and the same as the writer to hand on.
func record(w http.ResponseWriter) (*recorder, http.ResponseWriter) {
	p := fresh[plainRecorder](&recorders)
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

// batchSize is how many recorders fit in the 2,048 bytes that the allocator takes for a batch of them.
const batchSize = 50

// batch is memory for what one request has to itself; the elements before next were given away. The last ones of a batch
// keep it from the garbage collector together with the requests before them, so a batch is small.
type batch[T any] struct {
	next     int
	elements [batchSize]T
}

var (
	recorders = sync.Pool{New: func() any { return new(batch[plainRecorder]) }}
	detailed  = sync.Pool{New: func() any { return new(batch[details]) }}
)

func fresh[T any](batches *sync.Pool) *T {
	b := batches.Get().(*batch[T])
	e := &b.elements[b.next]
	if b.next++; b.next < len(b.elements) {
		batches.Put(b)
	}
	return e
}
