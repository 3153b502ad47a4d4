package merge

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/merge/reading"
)

// reader reads one endpoint, one reading at a time.
type reader struct {
	endpoint Endpoint
	limits   reading.Limits
	timeout  time.Duration
	client   *http.Client
	slot     chan struct{} // holds one token while a reading is under way
	body     bytes.Buffer  // reused by whoever has the slot

	// Guarded by the Merger's lock.
	gen     *generation // who answered last, nil if nobody did or it has ended
	last    *reading.Reading
	state   WorkerState // "" until somebody answered
	worker  Worker      // of the last generation, for after its end
	err     error
	removed bool
}

// answer is a successful reading.
type answer struct {
	identity
	reading *reading.Reading
	saidAt  time.Time
}

// reason names a kind of failure in metrics.
type reason string

const (
	reasonRefused     reason = "refused"      // nobody listens: the worker is dead
	reasonTimeout     reason = "timeout"      // no whole answer in time
	reasonInterrupted reason = "interrupted"  // the answer broke off
	reasonStatus      reason = "status"       // not 200
	reasonTooLarge    reason = "too_large"    // more bytes than the limit
	reasonContentType reason = "content_type" // not an exposition
	reasonMalformed   reason = "malformed"    // breaks its format's rules
	reasonDuplicate   reason = "duplicate"    // another endpoint is the same worker
)

// readError is a failure with its reason.
type readError struct {
	reason reason
	err    error
}

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

func newReader(e Endpoint, l reading.Limits, timeout time.Duration) *reader {
	dialer := net.Dialer{Timeout: timeout}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, e.Network, e.Address)
		},
		DisableCompression:     true, // it is on this machine
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    timeout,
	}
	return &reader{
		endpoint: e, limits: l, timeout: timeout, slot: make(chan struct{}, 1),
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // nobody sends us elsewhere
		},
	}
}

func (r *reader) close() { r.client.CloseIdleConnections() }

// read asks the worker for everything it has. The caller holds the slot.
func (r *reader) read(ctx context.Context) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	url := r.endpoint.URL
	if url == "" {
		url = "http://worker/metrics"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, &readError{reasonRefused, err}
	}
	req.Header.Set("Accept", reading.Accept)
	req.Header.Set("User-Agent", "truecount-merge")
	// As Prometheus says it: a worker whose database hangs can then answer without it in time.
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(r.timeout.Seconds(), 'g', -1, 64))
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, classify(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &readError{reasonStatus, fmt.Errorf("answered %s", resp.Status)}
	}
	if err := r.receive(resp); err != nil {
		return nil, err
	}
	decoded, err := reading.Decode(r.body.Bytes(), resp.Header.Get("Content-Type"), r.limits)
	switch {
	case errors.Is(err, reading.ErrContentType):
		return nil, &readError{reasonContentType, err}
	case err != nil:
		return nil, &readError{reasonMalformed, err}
	}
	a := &answer{identity: identify(resp.Header, r.endpoint, decoded), reading: decoded}
	a.saidAt, _ = http.ParseTime(resp.Header.Get("Date"))
	return a, nil
}

// receive reads the whole body, decompressed, into r.body, up to the limit.
func (r *reader) receive(resp *http.Response) error {
	if r.body.Cap() > 4<<20 {
		r.body = bytes.Buffer{} // one large answer is no reason to keep its memory
	}
	r.body.Reset()
	var body io.Reader = resp.Body
	switch encoding := resp.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return &readError{reasonMalformed, err}
		}
		body = z
	default:
		return &readError{reasonContentType, fmt.Errorf("answered in encoding %q", encoding)}
	}
	n, err := r.body.ReadFrom(io.LimitReader(body, int64(r.limits.Bytes)+1))
	switch {
	case n > int64(r.limits.Bytes):
		return &readError{reasonTooLarge, fmt.Errorf("the answer is longer than %d bytes", r.limits.Bytes)}
	case err != nil:
		return classify(err)
	}
	return nil
}

// classify tells a worker that is gone from one that is stuck or broke off.
func classify(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return &readError{reasonRefused, errors.New("nobody listens there")}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &readError{reasonTimeout, errors.New("no whole answer in time")}
	}
	return &readError{reasonInterrupted, err}
}

func reasonOf(err error) reason {
	if e := (*readError)(nil); errors.As(err, &e) {
		return e.reason
	}
	return reasonInterrupted
}
