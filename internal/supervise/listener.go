package supervise

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strconv"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

// listen binds the shared socket. It is a plain TCP socket, not a Multipath TCP one (Go's default where the kernel has
// it): programs in other languages take the socket's protocol from the descriptor.
func listen(name, address string) (*net.TCPListener, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return nil, hint.Errorf("write host:port, as in 127.0.0.1:8000", "%s: listen address %q is not valid", name, address)
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, listenError(name, address, host, err)
	}
	return l.(*net.TCPListener), nil
}

func listenError(name, address, host string, err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return hint.Errorf("stop what listens there, or choose another port (port 0 takes a free one)",
			"%s: listen on %s: %w", name, address, syscall.EADDRINUSE)
	case errors.Is(err, fs.ErrPermission):
		return hint.Errorf("ports below 1024 belong to root: choose a higher one", "%s: no permission to listen on %s", name, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &dns):
		return hint.Errorf("use an address of this machine, such as 127.0.0.1", "%s: this machine has no address %q to listen on", name, host)
	}
	return hint.Errorf("write host:port, as in 127.0.0.1:8000", "%s: listen on %s: %w", name, address, err)
}

// withDescriptor calls f with the listener's descriptor. File or Fd are not used: they switch the socket, and with it
// every worker's, to blocking mode.
func withDescriptor(l *net.TCPListener, f func(fd uintptr)) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(f)
}
