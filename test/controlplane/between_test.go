package controlplane

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/test/controlplane/namespace"
)

// between stands between an adapter and its Prometheus: it passes on, counts, and answers wrongly when a test says so.
type between struct {
	*httptest.Server
	forward http.Handler

	mu      sync.Mutex
	fault   http.HandlerFunc // nil: pass on
	queries []string         // the paths and queries that were asked
}

// standBetween starts one on an address that pods reach.
func standBetween(t *testing.T, to string) *between {
	t.Helper()
	b := &between{}
	b.passTo(t, to)
	listener, err := net.Listen("tcp", net.JoinHostPort(namespace.Host.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	b.Server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: b}}
	b.Start()
	t.Cleanup(func() {
		listener.Close() // before the adapter comes back
		b.CloseClientConnections()
		b.Close()
	})
	return b
}

// passTo says where requests go that are passed on.
func (b *between) passTo(t *testing.T, to string) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forward = &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// endpoint is its address for an EndpointSlice.
func (b *between) endpoint(t *testing.T) (host string, port int32) {
	t.Helper()
	address := b.Listener.Addr().(*net.TCPAddr)
	return address.IP.String(), int32(address.Port)
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	b.queries = append(b.queries, r.URL.Path+"?"+r.URL.RawQuery+string(body))
	fault, forward := b.fault, b.forward
	b.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	forward.ServeHTTP(w, r)
}

// answer sets what is answered from now on; nil passes on again.
func (b *between) answer(fault http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

// asked returns what was asked since the last call.
func (b *between) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	queries := b.queries
	b.queries = nil
	return queries
}

// The ways in which a Prometheus is there and of no use.
var wrongAnswers = map[string]http.HandlerFunc{
	"slow": func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
		}
	},
	"500": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "internal error", http.StatusInternalServerError)
	},
	"503": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status":"error","errorType":"unavailable","error":"the TSDB is not ready"}`)
	},
	"truncated": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[17`)
	},
	"100 MB": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
		const element = `{"metric":{"namespace":"filler","pod":"filler-filler-filler"},"value":[1700000000,"0"]},`
		for sent := 0; sent < 100<<20; sent += len(element) {
			if _, err := io.WriteString(w, element); err != nil {
				return
			}
		}
		fmt.Fprint(w, `{"metric":{},"value":[1700000000,"0"]}]}}`)
	},
}
