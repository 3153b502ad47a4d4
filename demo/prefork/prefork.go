// Package prefork serves one address with several processes of the same program.
//
// A container has nobody who starts workers. The parent opens the socket once, starts the children with it by the
// socket-activation convention, replaces those that die and ends them all when it is told to end. It serves nothing
// itself. Children end, drained, when their parent is gone.
package prefork

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// shortLife is below what a child needs to have shown that it can serve.
	shortLife = 5 * time.Second
	// maxFailedStarts of one worker in a row end the service: what it lacks will not come by itself.
	maxFailedStarts = 3
)

// Options for Run. Addr and Workers are needed.
type Options struct {
	Addr    string // host:port to listen on
	Workers int
	// Args is the command line of a child. Default: this program's.
	Args []string
	// Drain is how long children may take to end before they are killed. Default 35 s, more than a worker takes itself.
	Drain  time.Duration
	Logger *slog.Logger // default: nothing is logged
	// OnListen is told the address, before the first child starts.
	OnListen func(net.Addr)
}

// Run serves until ctx is done or a SIGTERM or SIGINT arrives, and returns when the last child has ended.
func Run(ctx context.Context, opts Options) error {
	if opts.Args == nil {
		opts.Args = os.Args
	}
	if opts.Drain == 0 {
		opts.Drain = 35 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	p, err := newParent(opts)
	if err != nil {
		return err
	}
	defer p.close()
	if opts.OnListen != nil {
		opts.OnListen(p.listener.Addr())
	}
	opts.Logger.Info("listening", "address", p.listener.Addr().String(), "workers", opts.Workers)

	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	workers, ctx := errgroup.WithContext(ctx)
	for index := range opts.Workers {
		workers.Go(func() error { return p.keep(ctx, index) })
	}
	return workers.Wait()
}

type parent struct {
	Options
	program  string
	listener *net.TCPListener
	// alive is a pipe whose writing end only the parent has: children read its end when the parent ends, however it does.
	alive, hold *os.File
}

func newParent(opts Options) (*parent, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: end the program that has it, or set PORT to another", err)
	}
	alive, hold, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &parent{opts, program, listener.(*net.TCPListener), alive, hold}, nil
}

func (p *parent) close() {
	p.listener.Close()
	p.hold.Close()
	p.alive.Close()
}

// keep has one worker running until ctx is done.
func (p *parent) keep(ctx context.Context, index int) error {
	for failed := 0; ; {
		started := time.Now()
		process, err := p.start(index)
		if err != nil {
			return fmt.Errorf("starting worker %d: %w", index, err)
		}
		state, err := p.wait(ctx, process)
		if err != nil || ctx.Err() != nil {
			return err
		}
		p.Logger.Warn("a worker ended and is replaced", "worker", index, "pid", process.Pid, "state", state.String())
		failed++
		if !state.Exited() || state.Success() || time.Since(started) >= shortLife {
			failed = 0 // killed, or it did serve: that is no fault of its settings
		}
		if failed == maxFailedStarts {
			return fmt.Errorf("worker %d ended %d times at its start (%s): its messages above say why", index, failed, state)
		}
		select {
		case <-time.After(time.Duration(1+failed*failed) * 100 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}

// wait returns when the process has ended. Once ctx is done it is asked to, and killed if it takes too long.
func (p *parent) wait(ctx context.Context, process *os.Process) (*os.ProcessState, error) {
	ended := make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() {
		process.Signal(syscall.SIGTERM)
		select {
		case <-time.After(p.Drain):
			p.Logger.Warn("a worker did not drain in time and is killed", "pid", process.Pid)
			process.Kill()
		case <-ended:
		}
	})
	defer stop()
	return process.Wait()
}
