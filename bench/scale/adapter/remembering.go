package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// remembering stands before Prometheus and answers a query that was asked before with what Prometheus said then, at once: what is left
// is what an adapter itself takes. The values of the bench do not change with time.
type remembering struct {
	url    string
	server *http.Server
	ended  chan struct{}

	mu      sync.Mutex
	answers map[string][]byte
}

// remember starts one. All but queries is passed on.
func (p *prometheus) remember() (*remembering, error) {
	to, err := url.Parse(p.url)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", loopback(0))
	if err != nil {
		return nil, err
	}
	r := &remembering{url: "http://" + listener.Addr().String(), ended: make(chan struct{}), answers: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(to))
	mux.HandleFunc("/api/v1/query", func(w http.ResponseWriter, request *http.Request) {
		answer, err := r.answer(request.Context(), p.url, request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(r.ended)
		_ = r.server.Serve(listener)
	}()
	return r, nil
}

func (r *remembering) stop() {
	_ = r.server.Close()
	<-r.ended
}

// answer returns what Prometheus says, or said.
func (r *remembering) answer(ctx context.Context, prometheus string, request *http.Request) ([]byte, error) {
	if err := request.ParseForm(); err != nil {
		return nil, err
	}
	query := request.Form.Get("query")
	r.mu.Lock()
	known := r.answers[query]
	r.mu.Unlock()
	if known != nil {
		return known, nil
	}
	// By POST: the peer's query has the names of all pods.
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, prometheus+"/api/v1/query", strings.NewReader(request.Form.Encode()))
	if err != nil {
		return nil, err
	}
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(ask)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered with %s: %.200s", response.Status, answer)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[query] = answer
	return answer, nil
}
