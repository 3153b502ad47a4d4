package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// queueTime is how long a listener of the worker's own still accepts while draining, to empty its queue.
const queueTime = 100 * time.Millisecond

// appListener is the application's listener. inherited says that other processes accept from its socket, too.
type appListener struct {
	net.Listener
	inherited bool
}

func openListener(opts Options, env environment) (*appListener, error) {
	switch {
	case opts.Listener != nil:
		return &appListener{Listener: opts.Listener}, nil
	case env.listenFD != 0:
		l, err := inherit(env)
		if err != nil {
			return nil, err
		}
		return &appListener{Listener: l, inherited: true}, nil
	case opts.Addr == "":
		return nil, errors.New("there is nothing to listen on: no socket was handed over (LISTEN_FDS), and no address is given")
	}
	l, err := net.Listen("tcp", opts.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: end it or choose another address", opts.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s: %w", opts.Addr, err)
	}
	return &appListener{Listener: l}, nil
}

// inherit makes a listener of the socket that was handed over.
//
// The socket is one open file description for all processes that hold it, and so is its non-blocking mode. If one
// process sets it to blocking, an accept elsewhere may block for good and its worker never drains. os.File.Fd does
// just that to files that were opened as non-blocking sockets; to a file made by os.NewFile it does not.
func inherit(env environment) (net.Listener, error) {
	for fd := firstFD; fd < firstFD+env.handedOver; fd++ {
		syscall.CloseOnExec(fd)
	}
	problem := func(err error) error {
		return fmt.Errorf("file descriptor %d, handed over by LISTEN_FDS, is not a listening socket: %w", env.listenFD, err)
	}
	listening, err := syscall.GetsockoptInt(env.listenFD, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOTSOCK) {
		return nil, problem(err)
	}
	// Systems that do not know the option say so; they find out at the first accept.
	if err == nil && listening == 0 {
		return nil, problem(errors.New("it does not listen"))
	}
	file := os.NewFile(uintptr(env.listenFD), "listener")
	l, err := net.FileListener(file) // a duplicate, with close-on-exec
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, problem(err)
	}
	return l, nil
}

// stop makes Accept return net.ErrClosed: at once where others go on accepting, else after what is in the queue.
func (l *appListener) stop() {
	when := time.Now()
	if !l.inherited {
		when = when.Add(queueTime)
	}
	d, ok := l.Listener.(interface{ SetDeadline(time.Time) error })
	if !ok || d.SetDeadline(when) != nil {
		_ = l.Close()
	}
}

func (l *appListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = net.ErrClosed // http.Server would try again after a time-out
	}
	return conn, err
}
