package worker

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/truecount/truecount/instrument/internal/admission"
)

// Run serves opts.Handler until ctx is done or the process is told to end by SIGTERM or SIGINT, drains, and returns nil.
// It returns an error if it can't start, if serving fails, or if draining had to cut off requests.
//
// Under a supervisor (a socket or NOTIFY_SOCKET was handed over) SIGINT is ignored: a terminal sends it to the
// whole group, and it is the supervisor that decides who drains when. Otherwise a second signal ends the process at once.
//
// Requests keep the values of ctx, but not its end: they are allowed to finish.
func Run(ctx context.Context, opts Options) error {
	env, err := takeEnvironment()
	if err != nil {
		return err
	}
	return run(ctx, opts, env)
}

func run(ctx context.Context, opts Options, env environment) error {
	if opts.Handler == nil {
		return errors.New("worker.Options has no Handler")
	}
	opts = opts.withDefaults(env)
	w := &worker{opts: opts, env: env, log: opts.Logger, conns: newConnections(), draining: make(chan struct{}),
		room: admission.New(opts.MaxConnections)}
	ctx, stop := w.untilSignal(ctx)
	defer stop()
	if err := w.open(ctx); err != nil {
		return err
	}
	return w.serve(ctx, stop)
}

type worker struct {
	opts     Options
	env      environment
	log      *slog.Logger
	conns    *connections
	room     *admission.Room
	draining chan struct{}

	listener *appListener
	endpoint *endpoint // nil if none
	server   *http.Server
}

// untilSignal returns a context that ends with ctx or a signal to end.
func (w *worker) untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	if !w.env.supervised() {
		return signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	}
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, os.Interrupt)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	return ctx, func() {
		stop()
		signal.Stop(ignored)
	}
}

// open opens the listeners; when it fails, none is left open.
func (w *worker) open(ctx context.Context) error {
	var err error
	if w.listener, err = openListener(w.opts, w.env); err != nil {
		return err
	}
	errorLog := slog.NewLogLogger(w.log.Handler(), slog.LevelWarn)
	if w.endpoint, err = w.openEndpoint(ctx, time.Now(), errorLog); err != nil {
		_ = w.listener.Close()
		return err
	}
	w.server = w.newServer(errorLog)
	w.room.Bound(w.server)
	return nil
}

func (w *worker) newServer(errorLog *log.Logger) *http.Server {
	return &http.Server{
		Handler:           w.conns.lastResponses(w.opts.Handler),
		ConnState:         w.conns.observe,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          errorLog,
	}
}

// serve runs the servers until ctx is done or one of them fails, and then drains.
func (w *worker) serve(ctx context.Context, stop func()) error {
	requests, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	requests = context.WithValue(requests, drainingKey{}, w.draining)
	w.server.BaseContext = func(net.Listener) context.Context { return requests }

	var running sync.WaitGroup
	failed := make(chan error, 2)
	accepting := make(chan struct{})
	running.Go(func() {
		defer close(accepting)
		if err := w.server.Serve(w.room.Listener(w.listener)); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serving on %s: %w", w.listener.Addr(), err)
		}
	})
	if w.endpoint != nil {
		running.Go(func() {
			if err := w.endpoint.server.Serve(w.endpoint.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving metrics on %s: %w", w.endpoint.listener.Addr(), err)
			}
		})
	}
	w.ready()

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	if !w.env.supervised() {
		stop() // a second signal ends the process
	}
	err = errors.Join(err, w.drain(accepting, cutOff))
	running.Wait()
	return err
}

func (w *worker) ready() {
	where := []any{"address", w.listener.Addr()}
	if w.endpoint != nil {
		where = append(where, "metrics", w.endpoint.address())
	}
	w.log.Info("serving", where...)
	if w.opts.OnReady != nil {
		w.opts.OnReady(w.listener.Addr())
	}
	w.tell("READY=1")
}

func (w *worker) tell(state string) {
	if err := notify(w.env.notifySocket, state); err != nil {
		w.log.Warn("notification failed", "error", err)
	}
}

// drain ends the application first, and the metrics endpoint when its totals have been read.
func (w *worker) drain(accepting <-chan struct{}, cutOff func()) error {
	began := time.Now()
	w.conns.drain()
	close(w.draining)
	w.tell("STOPPING=1")
	w.listener.stop()
	<-accepting // every connection accepted is known from here on

	err := w.conns.wait(w.opts.IdleGrace, w.opts.DrainTimeout)
	if err != nil {
		cutOff()
		err = errors.Join(err, w.server.Close())
		// What was cut off is still to be counted; a handler that does not notice is left behind.
		_ = w.conns.wait(0, settleTime)
	}
	if cerr := w.server.Close(); err == nil {
		err = cerr
	}
	w.log.Info("drained", "seconds", time.Since(began).Seconds())
	if w.endpoint != nil {
		if !w.endpoint.handOver(w.opts.HandoverTimeout) {
			w.log.Warn("nobody read the last totals", "waited", w.opts.HandoverTimeout)
		}
		err = errors.Join(err, w.endpoint.close())
	}
	return err
}
