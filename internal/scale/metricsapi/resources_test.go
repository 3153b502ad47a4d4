package metricsapi

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/kubeapi"
)

// hanging is an API server that takes requests and does not answer, from when it is told.
type hanging struct {
	next  http.RoundTripper
	hangs atomic.Bool
	asked chan struct{}
}

func (h *hanging) RoundTrip(req *http.Request) (*http.Response, error) {
	if !h.hangs.Load() {
		return h.next.RoundTrip(req)
	}
	select {
	case h.asked <- struct{}{}:
	default:
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestAnAPIServerThatHangsDoesNotKeepTheAdapterFromEnding(t *testing.T) {
	kube := kubeapi.New()
	defer kube.Close()
	plain := &http.Transport{}
	defer plain.CloseIdleConnections()
	server := &hanging{next: plain, asked: make(chan struct{}, 1)}
	discover, err := discovery.NewDiscoveryClientForConfigAndClient(&rest.Config{Host: kube.URL, QPS: -1}, &http.Client{Transport: server})
	if err != nil {
		t.Fatal(err)
	}
	resources, err := NewResources(discover, discard())
	if err != nil {
		t.Fatal(err)
	}
	server.hangs.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		resources.Run(ctx, time.Millisecond, func() { t.Error("nothing has changed") })
	}()
	<-server.asked
	cancel()
	await.True(t, "it no longer waits for the API server", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
}
