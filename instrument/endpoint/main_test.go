package endpoint_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/endpoint"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t testing.TB) *instrument.Metrics {
	t.Helper()
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs an endpoint on a free port until the test ends, and returns its address.
func run(t testing.TB, opts endpoint.Options) string {
	t.Helper()
	if opts.Addr == "" && opts.Listener == nil {
		opts.Addr = "127.0.0.1:0"
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	opts.OnReady = func(addr net.Addr) { ready <- addr }
	go func() { ended <- endpoint.Run(ctx, opts) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the endpoint ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the endpoint does not end")
		}
	})
	select {
	case addr := <-ready:
		return addr.String()
	case err := <-ended:
		ended <- nil
		t.Fatalf("the endpoint does not start: %v", err)
		return ""
	}
}

// client makes one connection per request, so that none is left to be closed.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}

// ask returns the answer to a request, and its body.
func ask(t testing.TB, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}
