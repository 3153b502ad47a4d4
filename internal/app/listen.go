package app

import (
	"errors"
	"log/slog"
	"net"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

// listen binds the pages' address, or a free port of the same host where that is allowed and the port is in use.
func listen(address string, anyPort bool, logger *slog.Logger) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		return listener, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, hint.Errorf("write it as 127.0.0.1:9090", "listen address %q: %s", address, plain(splitErr))
	}
	if !isInUse(err) {
		return nil, hint.Errorf("write it as 127.0.0.1:9090, with an address of this machine", "listen address %q: %s", address, plain(err))
	}
	if !anyPort {
		return nil, hint.Errorf("stop the program that has it, or choose another port; 127.0.0.1:0 takes a free one",
			"listen address %s is in use", address)
	}
	listener, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	logger.Warn("the address is in use, took a free port", "wanted", address, "got", listener.Addr())
	return listener, nil
}

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// plain leaves the operation and the address out of a network error: the message around it names the address.
func plain(err error) string {
	var wrong *net.AddrError
	var number syscall.Errno
	switch {
	case errors.As(err, &wrong):
		return wrong.Err
	case errors.As(err, &number):
		return number.Error()
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return err.Error()
}

// scrapeAddress is how this server reaches itself.
func scrapeAddress(listener net.Listener) string {
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return listener.Addr().String()
	}
	reach := *address
	if reach.IP.IsUnspecified() {
		reach.IP = net.IPv4(127, 0, 0, 1)
	}
	return reach.String()
}
