package endpoint_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/endpoint"
)

func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks on the button."}).Inc()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ready, ended := make(chan net.Addr), make(chan error)
	go func() {
		ended <- endpoint.Run(ctx, endpoint.Options{
			Addr:    "127.0.0.1:0", // a free port; by default 9464
			Metrics: m,
			OnReady: func(addr net.Addr) { ready <- addr },
		})
	}()
	response, err := http.Get("http://" + (<-ready).String() + "/metrics")
	if err != nil {
		fmt.Println(err)
		return
	}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "clicks") {
			fmt.Println(lines.Text())
		}
	}
	_ = response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop()
	fmt.Println(<-ended)
	// Output:
	// clicks_total 1
	// <nil>
}
