package worker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/worker"
)

// A program's main calls Run with context.Background(): SIGTERM ends it.
func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") })

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := make(chan net.Addr)
	ended := make(chan error)
	go func() {
		ended <- worker.Run(ctx, worker.Options{
			Addr:    "127.0.0.1:0",
			Handler: m.Middleware(mux),
			Metrics: m,
			OnReady: func(addr net.Addr) { ready <- addr },
		})
	}()
	response, err := http.Get("http://" + (<-ready).String() + "/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	fmt.Println(string(body), err)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	fmt.Println(<-ended)
	// Output:
	// hello <nil>
	// <nil>
}
