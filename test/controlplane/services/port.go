package services

import (
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// port forwards the connections of one address to backends in turn.
type port struct {
	listener net.Listener

	mu       sync.Mutex
	backends []string
	next     int
	open     map[*link]bool
	running  sync.WaitGroup
}

// link is one connection with its other half.
type link struct {
	client, server net.Conn
	backend        string
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// dialTimeout is what a client would wait for a pod that has gone away.
const dialTimeout = 3 * time.Second

func listen(address string) (*port, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	p := &port{listener: listener, open: map[*link]bool{}}
	p.running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.forward(client) })
		}
	})
	return p, nil
}

// use replaces the backends. Connections to those that have gone are closed.
func (p *port) use(backends []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backends = backends
	for l := range p.open {
		if !slices.Contains(backends, l.backend) {
			l.close()
		}
	}
}

func (p *port) pick() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.backends) == 0 {
		return ""
	}
	p.next++
	return p.backends[p.next%len(p.backends)]
}

func (p *port) forward(client net.Conn) {
	defer client.Close()
	backend := p.pick()
	if backend == "" {
		client.(*net.TCPConn).SetLinger(0) // refused, as by a service without endpoints
		return
	}
	server, err := net.DialTimeout("tcp", backend, dialTimeout)
	if err != nil {
		client.(*net.TCPConn).SetLinger(0)
		return
	}
	l := &link{client, server, backend}
	p.mu.Lock()
	p.open[l] = true
	if !slices.Contains(p.backends, backend) { // gone while it was dialled
		l.close()
	}
	p.mu.Unlock()
	defer func() {
		l.close()
		p.mu.Lock()
		delete(p.open, l)
		p.mu.Unlock()
	}()
	p.running.Go(func() { copyHalf(server, client) })
	copyHalf(client, server)
}

// copyHalf passes on the end of one direction alone: the other may still have something to say.
func copyHalf(to, from net.Conn) {
	io.Copy(to, from)
	to.(*net.TCPConn).CloseWrite()
}

func (p *port) stop() {
	p.listener.Close()
	p.use(nil)
	p.running.Wait()
}
