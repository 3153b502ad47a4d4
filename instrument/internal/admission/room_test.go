package admission_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/instrument/internal/admission"
)

func Example() {
	room := admission.New(256)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "served")
	}))
	room.Bound(server.Config)
	server.Listener = room.Listener(server.Listener)
	server.Start()
	defer server.Close()

	for range 1000 { // clients that never ask
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer conn.Close()
	}
	response, err := http.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(string(body), err, room.Counts().Open <= 256)
	// Output:
	// served <nil> true
}

// script is a listener that accepts what the test gives it.
type script struct{ conns chan net.Conn }

func (s script) Accept() (net.Conn, error) {
	conn, ok := <-s.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (s script) Close() error   { return nil }
func (s script) Addr() net.Addr { return &net.TCPAddr{} }

// hall accepts clients for the tests, which are named in order, and knows who was closed.
type hall struct {
	t        *testing.T
	room     *admission.Room
	server   http.Server
	listener net.Listener
	conns    chan net.Conn
	clients  []net.Conn
	accepted []net.Conn
}

func newHall(t *testing.T, places int) *hall {
	h := &hall{t: t, room: admission.New(places), conns: make(chan net.Conn, 1)}
	h.listener = h.room.Listener(script{h.conns})
	h.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.Body.Close() })
	h.room.Bound(&h.server)
	return h
}

func (h *hall) arrive() net.Conn {
	h.t.Helper()
	client, server := net.Pipe()
	h.t.Cleanup(func() { _ = client.Close() })
	h.clients = append(h.clients, client)
	h.conns <- server
	conn, err := h.listener.Accept()
	if err != nil {
		h.t.Fatal(err)
	}
	h.accepted = append(h.accepted, conn)
	return conn
}

// during calls f while a request of the connection is served.
func (h *hall) during(conn net.Conn, f func()) {
	var request http.Request
	served := admission.Served(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { f() }))
	served.ServeHTTP(nil, request.WithContext(h.server.ConnContext(context.Background(), conn)))
}

// closed lists the clients that were closed.
func (h *hall) closed() string {
	var names []string
	for i, conn := range h.accepted {
		if conn.SetReadDeadline(time.Time{}) != nil {
			names = append(names, fmt.Sprint(i))
		}
	}
	return strings.Join(names, " ")
}

func (h *hall) expect(closed string, counts admission.Counts) {
	h.t.Helper()
	if got := h.closed(); got != closed {
		h.t.Errorf("closed are %q, want %q", got, closed)
	}
	if got := h.room.Counts(); got != counts {
		h.t.Errorf("counts are %+v, want %+v", got, counts)
	}
}

func TestANewConnectionTakesThePlaceOfTheOneThatWaitedLongest(t *testing.T) {
	h := newHall(t, 3)
	first, second := h.arrive(), h.arrive()
	h.arrive()
	h.expect("", admission.Counts{Open: 3})
	h.during(first, func() {}) // it waits anew
	h.arrive()
	h.expect("1", admission.Counts{Open: 3, Evicted: 1})
	h.arrive()
	h.expect("1 2", admission.Counts{Open: 3, Evicted: 2})
	_ = second.Close() // again
	_ = first.Close()
	h.expect("0 1 2", admission.Counts{Open: 2, Evicted: 2})
	h.arrive()
	h.expect("0 1 2", admission.Counts{Open: 3, Evicted: 2})
}

func TestAConnectionWithARequestKeepsItsPlace(t *testing.T) {
	h := newHall(t, 2)
	first := h.arrive()
	h.during(first, func() {
		h.during(first, func() {}) // another stream of the same connection
		h.arrive()
		h.arrive()
		h.arrive()
		h.expect("1 2", admission.Counts{Open: 2, Evicted: 2})
	})
}

func TestWhereAllConnectionsHaveRequestsANewOneIsRefused(t *testing.T) {
	h := newHall(t, 1)
	first := h.arrive()
	h.during(first, func() {
		client, server := net.Pipe()
		h.conns <- server
		close(h.conns)
		if _, err := h.listener.Accept(); err != net.ErrClosed {
			t.Errorf("accepting ended with %v", err)
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the new connection's reading ended with %v", err)
		}
		h.expect("", admission.Counts{Open: 1, Refused: 1})
	})
}

func TestAConnectionClosedDuringItsRequestFreesItsPlaceOnce(t *testing.T) {
	h := newHall(t, 1)
	first := h.arrive()
	h.during(first, func() { _ = first.Close() })
	h.expect("0", admission.Counts{})
	h.arrive()
	h.expect("0", admission.Counts{Open: 1})
}

func TestCountsHoldUnderConcurrency(t *testing.T) {
	h := newHall(t, 10)
	var wg sync.WaitGroup
	busy := make(chan struct{}, 9) // one fewer than there are places, or an arrival could be refused
	for range 200 {
		conn := h.arrive()
		busy <- struct{}{}
		wg.Go(func() {
			h.during(conn, func() {})
			_ = conn.Close()
			<-busy
		})
	}
	wg.Wait()
	if got := h.room.Counts(); got.Open != 0 || got.Refused != 0 {
		t.Errorf("counts are %+v", got)
	}
}
