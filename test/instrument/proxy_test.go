package instrument_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between a client and a database that is well, and plays one that is not.
type proxy struct {
	t      testing.TB
	server string // unix socket
	addr   string

	mu       sync.Mutex
	mode     mode
	listener net.Listener // nil while it is down
	open     map[net.Conn]struct{}
	serving  sync.WaitGroup
}

type mode int

const (
	well      mode = iota
	down           // connections are refused, and those that exist end
	hanging        // connections are accepted, and nothing ever comes back
	trickling      // one byte comes back each second
)

func newProxy(t testing.TB, server string) *proxy {
	p := &proxy{t: t, server: server, addr: "127.0.0.1:0", mode: down, open: map[net.Conn]struct{}{}}
	p.set(well)
	t.Cleanup(func() {
		p.set(down)
		p.serving.Wait()
	})
	return p
}

// set changes what the database does from now on; connections of before end, but for those that are to hang.
func (p *proxy) set(m mode) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode != well || m == down {
		for c := range p.open {
			_ = c.Close()
		}
	}
	p.mode = m
	if m == down && p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	if m != down && p.listener == nil {
		l, err := net.Listen("tcp", p.addr)
		if err != nil {
			p.t.Fatal(err)
		}
		p.listener, p.addr = l, l.Addr().String()
		p.serving.Go(func() { p.accept(l) })
	}
}

func (p *proxy) now() mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = struct{}{}, struct{}{}
		p.mu.Unlock()
		p.serving.Go(func() { p.pump(server, client, false) })
		p.serving.Go(func() { p.pump(client, server, true) })
	}
}

func (p *proxy) pump(to, from net.Conn, answers bool) {
	defer func() {
		_, _ = to.Close(), from.Close()
		p.mu.Lock()
		delete(p.open, to)
		p.mu.Unlock()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if err := p.pass(to, buf[:n], answers); err != nil {
			return
		}
	}
}

func (p *proxy) pass(to io.Writer, b []byte, answers bool) error {
	for len(b) > 0 {
		n := len(b)
		switch p.now() {
		case hanging:
			return nil
		case trickling:
			if answers {
				<-time.After(time.Second)
				n = 1
			}
		}
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
