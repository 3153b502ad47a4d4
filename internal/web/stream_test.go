package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/web"
	"github.com/truecount/truecount/test/await"
)

const liveURL = "/api/truecount/v1/live"

// nextEvent reads one event and returns the merged value in it.
func nextEvent(t *testing.T, r *bufio.Reader) (merged float64, err error) {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if _, err := r.ReadString('\n'); err != nil { // the empty line that ends an event
		return 0, err
	}
	var s struct {
		Applications []struct {
			Strip struct{ Merged struct{ Value float64 } }
		}
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &s); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	return s.Applications[0].Strip.Merged.Value, nil
}

func watch(t *testing.T, url string) (*http.Response, *bufio.Reader) {
	t.Helper()
	resp, err := http.Get(url + liveURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp, bufio.NewReader(resp.Body)
}

func TestAClickIsSeenInTheLiveStream(t *testing.T) {
	c := newChain(4)
	h := newHandler(t, web.Options{Live: c, Interval: 5 * time.Millisecond})
	srv := httptest.NewServer(h)
	defer srv.Close()
	defer h.Close()
	resp, events := watch(t, srv.URL)
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("type %q", got)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if merged, err := nextEvent(t, events); err != nil || merged != 0 {
		t.Fatalf("the first event: merged %v, %v", merged, err)
	}
	if err := c.Try(t.Context(), c.app.ID); err != nil {
		t.Fatal(err)
	}
	await.True(t, "merged is 1", func() bool {
		merged, err := nextEvent(t, events)
		if err != nil {
			t.Fatal(err)
		}
		return merged == 1
	})
}

func TestAStreamOutlivesTheServersWriteTimeout(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4), Interval: 20 * time.Millisecond})
	srv := httptest.NewUnstartedServer(h)
	srv.Config.WriteTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	defer h.Close()
	_, events := watch(t, srv.URL)
	for n := range 20 { // 400 ms
		if _, err := nextEvent(t, events); err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
	}
}

func TestStreamsEndWhenTheServerShutsDown(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4), Interval: time.Hour})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	srv.RegisterOnShutdown(h.Close)
	served := make(chan error)
	go func() { served <- srv.Serve(listener) }()
	_, events := watch(t, "http://"+listener.Addr().String())
	if _, err := nextEvent(t, events); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	<-served
	if _, err := nextEvent(t, events); err == nil {
		t.Error("the stream goes on")
	}
	if w := ask(h, "GET", liveURL, ""); w.Code != 503 {
		t.Errorf("a new stream: status %d, want 503", w.Code)
	}
}

func TestAStreamEndsWithItsRequestsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(4)
		h := newHandler(t, web.Options{Live: c})
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1"+liveURL, nil)
		w := httptest.NewRecorder()
		ended := make(chan struct{})
		go func() { defer close(ended); h.ServeHTTP(w, r) }()
		<-time.After(time.Second) // of the bubble's clock
		synctest.Wait()
		cancel()
		<-ended
		if n := strings.Count(w.Body.String(), "data: "); n != 5 {
			t.Errorf("%d events in a second, want one at once and 4 more", n)
		}
	})
}

func TestManyWatchersCostAsMuchAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(40)
		h := newHandler(t, web.Options{Live: c})
		const watchers = 20
		ended := make(chan struct{})
		for range watchers {
			go func() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://127.0.0.1"+liveURL, nil))
				ended <- struct{}{}
			}()
		}
		<-time.After(time.Second)
		synctest.Wait()
		h.Close()
		for range watchers {
			<-ended
		}
		if c.asked != 5 {
			t.Errorf("%d watchers asked %d times in a second, want 5", watchers, c.asked)
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4), Interval: time.Hour, MaxStreams: 2})
	srv := httptest.NewServer(h)
	defer srv.Close()
	defer h.Close()
	first, events := watch(t, srv.URL)
	if _, err := nextEvent(t, events); err != nil {
		t.Fatal(err)
	}
	_, events = watch(t, srv.URL)
	if _, err := nextEvent(t, events); err != nil {
		t.Fatal(err)
	}
	if w := ask(h, "GET", liveURL, ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the third: status %d, header %v", w.Code, w.Header())
	}
	first.Body.Close()
	await.True(t, "a place is free again", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1"+liveURL, nil))
		return w.Code == 200
	})
}
