package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/worker"
)

// runRealWorker is a service as a user of the library writes it.
func runRealWorker() error {
	metrics, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	clicks := metrics.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	if err := metrics.Err(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /count", func(http.ResponseWriter, *http.Request) { clicks.Inc() })
	return worker.Run(context.Background(), worker.Options{
		Handler: metrics.Middleware(mux), Metrics: metrics,
		// The reader below shares two processors with the load: its last reading may come late.
		HandoverTimeout: patience,
		Logger:          slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// counts keeps the last total that each worker was heard of, as a merger does.
type counts struct {
	service *runs
	totals  map[string]float64 // by worker: pid and start
}

// read reads all workers once. One that cannot be read keeps its last total.
func (c *counts) read() {
	for _, replica := range c.service.Snapshot().Replicas {
		for _, w := range replica.Workers {
			if w.PID != 0 {
				c.readWorker(w.Metrics)
			}
		}
	}
}

var workerIdentity = regexp.MustCompile(`^pid=\d+; start=[\d.]+`)

func (c *counts) readWorker(e Endpoint) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, e.Network, e.Address)
	}}
	client := http.Client{Transport: transport, Timeout: patience}
	response, err := client.Get("http://worker/metrics")
	if err != nil {
		return
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return
	}
	id := workerIdentity.FindString(response.Header.Get("Truecount-Worker"))
	c.totals[id] = total(families["clicks_total"])
}

func total(family *dto.MetricFamily) float64 {
	var sum float64
	for _, m := range family.GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	return sum
}

func (c *counts) sum() float64 {
	var sum float64
	for _, n := range slices.Collect(maps.Values(c.totals)) {
		sum += n
	}
	return sum
}

func TestAHundredScaleUpsAndDownsOfRealWorkersFailNoRequestAndLoseNoCount(t *testing.T) {
	for name, keepAlive := range map[string]bool{"one request per connection": false, "connections kept": true} {
		t.Run(name, func(t *testing.T) { scaleRealWorkers(t, keepAlive) })
	}
}

func scaleRealWorkers(t *testing.T, keepAlive bool) {
	opts := workerOptions(t, "real")
	opts.MaxReplicas = 4
	service := run(t, opts)
	service.untilReady(1)

	reader := &counts{service: service, totals: map[string]float64{}}
	stopReading, reading := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(reading)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			reader.read()
			select {
			case <-tick.C:
			case <-stopReading:
				return
			}
		}
	}()

	transport := &http.Transport{DisableKeepAlives: !keepAlive, MaxIdleConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	load := startLoad(t, 8, func() error { return post(client, service.url("/count")) })
	sizes := []int{3, 1, 4, 2}
	for i := range 100 {
		size := sizes[i%len(sizes)]
		service.Scale(size)
		service.untilReady(size)
	}
	acked, failed := load.end()
	transport.CloseIdleConnections()
	service.stop()
	close(stopReading)
	<-reading

	t.Logf("%d requests, %d workers", acked, len(reader.totals))
	for _, err := range failed {
		t.Errorf("request failed: %v", err)
	}
	if counted := reader.sum(); counted != float64(acked) {
		t.Errorf("workers counted %v, clients were acknowledged %d", counted, acked)
	}
	for id := range reader.totals {
		if !strings.HasPrefix(id, "pid=") {
			t.Errorf("a worker without identity: %s", fmt.Sprint(id))
		}
	}
}
