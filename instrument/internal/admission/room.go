// Package admission bounds the open connections of a server without shutting out the next client: if all places are
// taken, a new connection takes that of the one which has waited longest without a request being served.
//
// Slow and idle clients are in nobody's way then, however many there are. A bound that makes new connections wait, as
// netutil.LimitListener has it, leaves the server to whoever came first.
package admission

import (
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// Room holds the connections of one server. Make it with [New]; its methods may be called concurrently.
type Room struct {
	max int

	mu      sync.Mutex
	open    int
	evicted uint64
	refused uint64
	waiting *list.List // of *connection; the front has waited longest
}

// connection is counted until it is closed.
type connection struct {
	net.Conn
	room *Room
	// The following are guarded by room.mu.
	place  *list.Element // among the waiting; nil while requests are served, and when closed
	busy   int           // requests being served, several with HTTP/2
	closed bool
}

// New returns room for max connections.
func New(max int) *Room { return &Room{max: max, waiting: list.New()} }

// Counts are what happened so far.
type Counts struct {
	Open    int    // connections now
	Evicted uint64 // closed while they waited, for the sake of a new one
	Refused uint64 // closed at once, because requests were being served on all others
}

// Counts returns what happened so far.
func (r *Room) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counts{Open: r.open, Evicted: r.evicted, Refused: r.refused}
}

// Bound sets the server up so that it knows which connections have requests; its listener must be one of
// [Room.Listener].
func (r *Room) Bound(server *http.Server) {
	before, next := server.ConnContext, server.Handler
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, conn)
		}
		return known(ctx, conn)
	}
	server.Handler = Served(next)
}

// Listener returns l with the bound.
func (r *Room) Listener(l net.Listener) net.Listener { return &limited{Listener: l, room: r} }

type limited struct {
	net.Listener
	room *Room
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.room.admit(conn); admitted != nil {
			return admitted, nil
		}
		_ = conn.Close()
	}
}

// admit returns nil if every connection has a request that is being served.
func (r *Room) admit(conn net.Conn) net.Conn {
	r.mu.Lock()
	var evicted *connection
	if r.open >= r.max {
		front := r.waiting.Front()
		if front == nil {
			r.refused++
			r.mu.Unlock()
			return nil
		}
		evicted = front.Value.(*connection)
		r.evicted++
		r.forget(evicted)
	}
	fresh := &connection{Conn: conn, room: r}
	fresh.place = r.waiting.PushBack(fresh)
	r.open++
	r.mu.Unlock()
	if evicted != nil {
		_ = evicted.Conn.Close()
	}
	return fresh
}

// forget frees the connection's place. r.mu is held.
func (r *Room) forget(conn *connection) {
	if conn.closed {
		return
	}
	conn.closed = true
	r.open--
	if conn.place != nil {
		r.waiting.Remove(conn.place)
		conn.place = nil
	}
}

// Close frees the connection's place.
func (conn *connection) Close() error {
	conn.room.mu.Lock()
	conn.room.forget(conn)
	conn.room.mu.Unlock()
	return conn.Conn.Close()
}

// CloseWrite ends the sending side, which net/http does to have its last answer read before it closes the connection.
func (conn *connection) CloseWrite() error {
	if half, ok := conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ReadFrom sends a file without copying it where the connection can.
func (conn *connection) ReadFrom(src io.Reader) (int64, error) { return io.Copy(conn.Conn, src) }

// begin keeps the connection while a request of it is served.
func (conn *connection) begin() {
	r := conn.room
	r.mu.Lock()
	defer r.mu.Unlock()
	conn.busy++
	if conn.place != nil {
		r.waiting.Remove(conn.place)
		conn.place = nil
	}
}

func (conn *connection) end() {
	r := conn.room
	r.mu.Lock()
	defer r.mu.Unlock()
	conn.busy--
	if conn.busy == 0 && !conn.closed {
		conn.place = r.waiting.PushBack(conn)
	}
}

type connectionKey struct{}

// known lets handlers know their connection, also under TLS.
func known(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secured.NetConn()
	}
	if own, ok := conn.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}

// Served returns next, during which a connection keeps its place.
func Served(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connectionKey{}).(*connection); ok {
			conn.begin()
			defer conn.end()
		}
		next.ServeHTTP(w, r)
	})
}
