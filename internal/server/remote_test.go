package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"

	"github.com/truecount/truecount/test/await"
)

// receiver is a remote-write receiver: snappy blocks of protobuf, version 1.
type receiver struct {
	t      *testing.T
	mu     sync.Mutex
	latest map[string]float64
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	raw, err := snappy.Decode(nil, body)
	var request prompb.WriteRequest
	if err != nil || request.Unmarshal(raw) != nil || r.Header.Get("Content-Encoding") != "snappy" {
		rc.t.Errorf("not a remote write: %v %v", err, r.Header)
		return
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	for _, series := range request.Timeseries {
		for _, l := range series.Labels {
			if l.Name == "__name__" {
				rc.latest[l.Value] = series.Samples[len(series.Samples)-1].Value
			}
		}
	}
}

func (rc *receiver) has(name string, v float64) bool {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	got, ok := rc.latest[name]
	return ok && got == v
}

func TestRemoteWriteSendsWhatIsScraped(t *testing.T) {
	rc := &receiver{t: t, latest: map[string]float64{}}
	remote := httptest.NewServer(rc)
	t.Cleanup(remote.Close)
	tg := newTarget(t, "clicks_total 7\n")
	in := run(t, configuration(t, "remote_write.yml", "target.invalid:1", tg.addr(), "receiver.invalid:1", hostPort(remote.URL)))
	await.True(t, "7 clicks are received", func() bool { return rc.has("clicks_total", 7) })
	tg.set("clicks_total 8\n")
	await.True(t, "8 clicks are received", func() bool { return rc.has("clicks_total", 8) })
	in.stop()
}

// The queue keeps trying to send to a remote that hangs; the end of the server waits no longer than it says.
func TestADeadRemoteDelaysTheEndByTheDeadlineOnly(t *testing.T) {
	hanging := make(chan struct{})
	asked := make(chan struct{}, 1000)
	remote := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-hanging
	}))
	t.Cleanup(remote.Close)
	t.Cleanup(func() { close(hanging) })
	tg := newTarget(t, "clicks_total 7\n")
	in := run(t, configuration(t, "remote_write.yml", "target.invalid:1", tg.addr(), "receiver.invalid:1", hostPort(remote.URL)),
		func(o *Options) { o.RemoteFlushDeadline = 200 * time.Millisecond })
	<-asked
	in.stop() // fails the test if it takes long
}
