package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"

	"github.com/truecount/truecount/instrument/internal/admission"
)

// Run serves metrics until ctx is done, lets the answers under way finish, and returns nil. It returns an error if it
// can't listen or if serving fails.
func Run(ctx context.Context, opts Options) error {
	opts, err := opts.withDefaults()
	if err != nil {
		return err
	}
	if opts.Listener == nil {
		if opts.Listener, err = listen(opts.Addr); err != nil {
			return err
		}
	}
	room := admission.New(opts.MaxConnections)
	l := room.Listener(opts.Listener)
	defer l.Close()
	refused := &refusals{}
	server := newServer(opts, refused)
	room.Bound(server)
	defer exposed(opts.Metrics, room, refused, opts.Logger)()
	serve := opts.Serve
	if serve == nil {
		serve = (*http.Server).Serve
		warnOfOpenDoor(opts.Logger, l.Addr())
	}
	opts.Logger.Info("serving metrics", "address", l.Addr().String(), "path", opts.Path)
	if opts.OnReady != nil {
		opts.OnReady(l.Addr())
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(server, l) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
		_ = server.Close()
		return fmt.Errorf("serving metrics on %s: %w", l.Addr(), err)
	}
	err = shutdown(server, opts)
	_ = l.Close() // also if serving has not begun
	if serr := <-failed; !errors.Is(serr, http.ErrServerClosed) && !errors.Is(serr, net.ErrClosed) && err == nil {
		err = serr
	}
	return err
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("can't serve metrics on %s: it is in use by another program; end it or choose another address", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("can't serve metrics on %s: %w", addr, err)
	}
	return l, nil
}

func newServer(opts Options, refused *refusals) *http.Server {
	return &http.Server{
		Handler:           newHandler(opts, refused),
		ReadHeaderTimeout: opts.ReadHeaderTimeout,
		ReadTimeout:       opts.ReadHeaderTimeout + opts.WriteTimeout, // bodies are refused: this ends what is left of them
		WriteTimeout:      opts.WriteTimeout,
		IdleTimeout:       opts.IdleTimeout,
		MaxHeaderBytes:    opts.MaxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          opts.MaxRequests,
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream:     16 << 10,
			SendPingTimeout:               opts.WriteTimeout,
			WriteByteTimeout:              opts.WriteTimeout,
		},
		// What clients do wrong is theirs: a scan of ports must not fill the log.
		ErrorLog: slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
}

func shutdown(server *http.Server, opts Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), opts.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		opts.Logger.Warn("answers under way are cut off", "waited", opts.ShutdownTimeout.String())
		return server.Close()
	}
	return nil
}

// warnOfOpenDoor says that metrics are readable from other machines without a password.
func warnOfOpenDoor(logger *slog.Logger, addr net.Addr) {
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		logger.Warn("metrics are served to everyone who can connect; listen on the loopback interface, "+
			"or see module contrib/webconfig for passwords and TLS", "address", addr.String())
	}
}
