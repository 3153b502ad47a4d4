package worker

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// running is a worker in this process.
type running struct {
	t     *testing.T
	addr  string
	end   context.CancelFunc
	ended chan error
}

func runWorker(t *testing.T, opts Options, env environment) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &running{t: t, end: cancel, ended: make(chan error, 1)}
	ready := make(chan net.Addr, 1)
	opts.OnReady = func(addr net.Addr) { ready <- addr }
	if opts.Addr == "" && opts.Listener == nil {
		opts.Addr = "127.0.0.1:0"
	}
	go func() { w.ended <- run(ctx, opts, env) }()
	select {
	case addr := <-ready:
		w.addr = addr.String()
	case err := <-w.ended:
		cancel()
		t.Fatalf("worker did not start: %v", err)
	}
	t.Cleanup(cancel)
	return w
}

func (w *running) wait() error {
	w.t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(30 * time.Second):
		w.t.Fatal("worker does not end")
		return nil
	}
}

func (w *running) client() *client {
	c := &client{addr: w.addr}
	w.t.Cleanup(c.close)
	return c
}

func answering(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text) })
}

// blocking answers /slow when released, and /draining when the worker drains; everything else at once.
type blocking struct{ entered, release chan struct{} }

func newBlocking() *blocking {
	return &blocking{entered: make(chan struct{}, 10), release: make(chan struct{})}
}

func (b *blocking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/slow":
		b.entered <- struct{}{}
		<-b.release
	case "/draining":
		b.entered <- struct{}{}
		<-Draining(r.Context())
	case "/hijack":
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		b.entered <- struct{}{}
		<-b.release
		_ = conn.Close()
		return
	case "/deaf":
		b.entered <- struct{}{}
		<-r.Context().Done()
	}
	_, _ = io.WriteString(w, "done")
}

// drain begins to drain and returns when the worker accepts no more.
func (w *running) drain(b *blocking) {
	w.t.Helper()
	c := w.client()
	if err := c.connect(); err != nil {
		w.t.Fatal(err)
	}
	if err := c.send("GET", "/draining", ""); err != nil {
		w.t.Fatal(err)
	}
	<-b.entered
	w.end()
	if _, body, err := c.receive(); err != nil || body != "done" {
		w.t.Fatalf("a streaming handler, told that the worker drains, answered %q, %v", body, err)
	}
	c.close()
	eventually(w.t, "no connection is accepted", func() bool {
		conn, err := net.Dial("tcp", w.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func TestAnIdleConnectionIsServedOnceMoreWhileDraining(t *testing.T) {
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, IdleGrace: time.Minute}, environment{})
	c := w.client()
	if response, _, err := c.do("GET", "/", ""); err != nil || response.Close {
		t.Fatalf("before draining: %v, connection to be closed: %t", err, response != nil && response.Close)
	}
	w.drain(b)
	response, body, err := c.do("POST", "/", "on its way")
	if err != nil || body != "done" || !response.Close {
		t.Fatalf("while draining: %q, %v, connection to be closed: %t", body, err, response != nil && response.Close)
	}
	if err := w.wait(); err != nil { // long before the grace of a minute, as nobody is left
		t.Error(err)
	}
}

func TestAConnectionWithoutARequestYetIsServedWhileDraining(t *testing.T) {
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, IdleGrace: time.Minute}, environment{})
	c := w.client()
	if err := c.connect(); err != nil {
		t.Fatal(err)
	}
	w.drain(b)
	if response, body, err := c.do("GET", "/", ""); err != nil || body != "done" || !response.Close {
		t.Fatalf("got %q, %v", body, err)
	}
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestConnectionsInTheQueueOfOnesOwnListenerAreServed(t *testing.T) {
	const waiting = 50
	l := &gate{Listener: listen(t), open: make(chan struct{})}
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, Listener: l, IdleGrace: time.Minute}, environment{})
	var queue []*client
	for range waiting {
		c := w.client()
		if err := c.connect(); err != nil {
			t.Fatal(err)
		}
		if err := c.send("GET", "/", ""); err != nil {
			t.Fatal(err)
		}
		queue = append(queue, c)
	}
	w.end()
	for _, c := range queue {
		if response, body, err := c.receive(); err != nil || body != "done" || !response.Close {
			t.Fatalf("got %q, %v", body, err)
		}
	}
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

// gate is a listener that accepts nothing before it is told to stop, so that all is in the kernel's queue then.
type gate struct {
	net.Listener
	open chan struct{}
}

func (g *gate) Accept() (net.Conn, error) {
	<-g.open
	return g.Listener.Accept()
}

func (g *gate) SetDeadline(at time.Time) error {
	defer close(g.open)
	return g.Listener.(*net.TCPListener).SetDeadline(at)
}

func TestAnIdleConnectionIsClosedAfterTheGrace(t *testing.T) {
	w := runWorker(t, Options{Handler: newBlocking(), IdleGrace: 10 * time.Millisecond}, environment{})
	c := w.client()
	if _, _, err := c.do("GET", "/", ""); err != nil {
		t.Fatal(err)
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
	if _, err := c.buf.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection ended with %v, want an orderly end", err)
	}
}

func TestARequestUnderWayIsFinished(t *testing.T) {
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, IdleGrace: time.Millisecond}, environment{})
	c := w.client()
	if err := c.connect(); err != nil {
		t.Fatal(err)
	}
	if err := c.send("GET", "/slow", ""); err != nil {
		t.Fatal(err)
	}
	<-b.entered
	w.drain(b)
	close(b.release)
	if _, body, err := c.receive(); err != nil || body != "done" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestDrainingWaitsForAHandlerThatTookItsConnectionOver(t *testing.T) {
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, IdleGrace: time.Millisecond}, environment{})
	c := w.client()
	if err := c.connect(); err != nil {
		t.Fatal(err)
	}
	if err := c.send("GET", "/hijack", ""); err != nil {
		t.Fatal(err)
	}
	<-b.entered
	w.drain(b)
	select {
	case err := <-w.ended:
		t.Fatalf("the worker ended under a handler: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(b.release)
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestTheDrainTimeoutCutsOffAndSaysSo(t *testing.T) {
	b := newBlocking()
	w := runWorker(t, Options{Handler: b, DrainTimeout: 10 * time.Millisecond}, environment{})
	c := w.client()
	if err := c.connect(); err != nil {
		t.Fatal(err)
	}
	if err := c.send("GET", "/deaf", ""); err != nil {
		t.Fatal(err)
	}
	<-b.entered
	w.end()
	err := w.wait()
	if err == nil || !strings.Contains(err.Error(), "draining took longer than 10ms: cut off 1 connections and 1 requests") {
		t.Errorf("got %v", err)
	}
}

func TestAWorkerThatCannotStartSaysWhy(t *testing.T) {
	taken := listen(t)
	for _, tt := range []struct {
		name string
		opts Options
		env  environment
		want string
	}{
		{"no handler", Options{Addr: "127.0.0.1:0"}, environment{}, "has no Handler"},
		{"nowhere to listen", Options{Handler: answering("")}, environment{}, "nothing to listen on"},
		{"address in use", Options{Handler: answering(""), Addr: taken.Addr().String()}, environment{}, "in use by another program"},
		{"not a socket", Options{Handler: answering("")}, environment{listenFD: 1000, handedOver: 1}, "file descriptor 1000, handed over by LISTEN_FDS, is not a listening socket"},
		{"no metrics", Options{Handler: answering(""), Addr: "127.0.0.1:0"}, environment{metricsDir: "/tmp"}, "gives worker.Options no Metrics"},
		{"no directory", Options{Handler: answering(""), MetricsHandler: answering(""), Addr: "127.0.0.1:0"}, environment{metricsDir: "/nowhere"}, "can't serve metrics on the unix socket /nowhere/"},
		{"long directory", Options{Handler: answering(""), MetricsHandler: answering(""), Addr: "127.0.0.1:0"}, environment{metricsDir: "/" + strings.Repeat("x", 200)}, "use a shorter TRUECOUNT_METRICS_DIR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := run(t.Context(), tt.opts, tt.env); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
