package webconfig_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/instrument/endpoint"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2 is a client of HTTP/2 that sends frames as it likes.
type h2 struct {
	t      *testing.T
	conn   *tls.Conn
	framer *http2.Framer
	block  bytes.Buffer
	enc    *hpack.Encoder
	ended  chan error // of reading
}

func dialH2(t *testing.T, addr string, config *tls.Config) *h2 {
	t.Helper()
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &h2{t: t, conn: conn, framer: http2.NewFramer(conn, conn), ended: make(chan error, 1)}
	c.enc = hpack.NewEncoder(&c.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := c.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() { // what the server says must be read, or it would stop to read itself
		_, err := io.Copy(io.Discard, conn)
		c.ended <- err
	}()
	return c
}

// get asks on the stream.
func (c *h2) get(stream uint32, more ...hpack.HeaderField) error {
	c.block.Reset()
	for _, f := range append([]hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "x"}, {Name: ":path", Value: "/metrics"}}, more...) {
		if err := c.enc.WriteField(f); err != nil {
			return err
		}
	}
	block, first := c.block.Bytes(), true
	for first || len(block) > 0 {
		part := block[:min(len(block), 16<<10)]
		block = block[len(part):]
		var err error
		if first {
			err = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: part, EndStream: true, EndHeaders: len(block) == 0})
		} else {
			err = c.framer.WriteContinuation(stream, len(block) == 0, part)
		}
		if err != nil {
			return err
		}
		first = false
	}
	return nil
}

func TestL4HTTP2RapidResetIsBoundedAndHoldsNobodyUp(t *testing.T) {
	var inside, most atomic.Int64
	release := make(chan struct{})
	file, pki := secured(t, "")
	var scraper atomic.Bool
	addr := run(t, file, &logBuffer{}, endpoint.Options{MaxRequests: 8, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Scraper") == "" {
			n := inside.Add(1)
			defer inside.Add(-1)
			for {
				m := most.Load()
				if n <= m || most.CompareAndSwap(m, n) {
					break
				}
			}
			<-release // a handler that does not notice that its request is gone
			return
		}
		scraper.Store(true)
	})})
	if _, _, err := fetchWith(t, addr, pki.trust("")); err != nil { // from here on the file is known, and the password
		t.Fatal(err)
	}
	scraper.Store(false)
	auth := hpack.HeaderField{Name: "authorization", Value: "Basic " + basic(user, password)}
	c := dialH2(t, addr, pki.trust(""))
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	for i := range 20_000 {
		stream := uint32(2*i + 1)
		if c.get(stream, auth) != nil || c.framer.WriteRSTStream(stream, http2.ErrCodeCancel) != nil {
			break // the server has had enough
		}
	}
	if err := <-c.ended; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is kept")
	}
	if n := most.Load(); n < 1 || n > 8 {
		t.Errorf("%d handlers at once, and the bound is 8", n)
	}
	close(release)
	if response, _, err := fetchWith(t, addr, pki.trust("")); err != nil || response.StatusCode != 200 || !scraper.Load() {
		t.Errorf("the scraper is answered %v %v", response, err)
	}
}

func TestL4HTTP2HeadersOf1MBAreRefused(t *testing.T) {
	file, pki := secured(t, "")
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	for what, field := range map[string]hpack.HeaderField{
		"one header":            {Name: "x-large", Value: strings.Repeat("\x01", 1<<20)},
		"the path that is sent": {Name: "x-" + strings.Repeat("n", 1<<20), Value: "v"},
	} {
		c := dialH2(t, addr, pki.trust(""))
		_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
		_ = c.get(1, field) // may fail, as the server ends the connection
		_ = c.conn.CloseWrite()
		if err := <-c.ended; errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is kept", what)
		}
	}
	// Many small ones, packed well: a bomb for the decoder.
	c := dialH2(t, addr, pki.trust(""))
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	bomb := make([]hpack.HeaderField, 200_000)
	for i := range bomb {
		bomb[i] = hpack.HeaderField{Name: "x-bomb", Value: strings.Repeat("b", 1000)}
	}
	_ = c.get(1, bomb...)
	_ = c.conn.CloseWrite()
	if err := <-c.ended; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("bomb: the connection is kept")
	}
	if response, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password); err != nil || response.StatusCode != 200 {
		t.Errorf("others are answered %v %v", response, err)
	}
}

func TestL4HandshakesThatNeverEndHoldNobodyUp(t *testing.T) {
	file, pki := secured(t, "")
	addr := run(t, file, &logBuffer{}, endpoint.Options{MaxConnections: 50, ReadHeaderTimeout: 2 * time.Second})
	var first net.Conn
	for i := range 500 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "\x16\x03\x01\x02\x00") // the beginning of a ClientHello
		if i == 499 {
			first = conn
		}
	}
	if response, _, err := fetch(t, addr, pki.trust(""), "/metrics", user, password); err != nil || response.StatusCode != 200 {
		t.Errorf("the scraper is answered %v %v", response, err)
	}
	_ = first.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, first); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a handshake that never ends is waited for")
	}
}

func TestL4BodiesAreNotReadBeforeThePassword(t *testing.T) {
	file, pki := secured(t, "")
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	for _, p := range []string{password, "wrong"} {
		r, err := http.NewRequest("POST", "https://"+addr+"/metrics", io.LimitReader(zeros{}, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		body := &counted{Reader: r.Body}
		r.Body, r.ContentLength = io.NopCloser(body), 1<<30
		r.SetBasicAuth(user, p)
		transport := &http.Transport{TLSClientConfig: pki.trust(""), ForceAttemptHTTP2: true}
		response, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(r)
		if err == nil {
			response.Body.Close()
			if want := map[string]int{password: 405, "wrong": 401}[p]; response.StatusCode != want {
				t.Errorf("%q: %s", p, response.Status)
			}
		}
		transport.CloseIdleConnections()
		if n := body.n.Load(); n > 8<<20 {
			t.Errorf("%q: %d bytes were taken", p, n)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func TestL6TheListenerWithTLSServesNoProfilesOrVariables(t *testing.T) {
	file, pki := secured(t, "")
	addr := run(t, file, &logBuffer{}, endpoint.Options{})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars"} {
		if response, _, err := fetch(t, addr, pki.trust(""), path, user, password); err != nil || response.StatusCode != 404 {
			t.Errorf("%s: %v %v", path, response, err)
		}
	}
}
