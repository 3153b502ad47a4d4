package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/truecount/truecount/internal/hint"
)

type options struct {
	merger merger
	listen string
	logger *slog.Logger
	ready  func(url string)
}

// merger makes one page of what the workers have, whatever way they have it.
type merger interface {
	http.Handler
	Read(context.Context) error
	Run(context.Context) error
	Close()
}

// grace is how long scrapes under way may take at the end.
const grace = 2 * time.Second

// serve reads and answers until ctx is done, answers what is under way and returns nil.
func serve(ctx context.Context, o options) error {
	merger := o.merger
	defer merger.Close()
	listener, err := net.Listen("tcp", o.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return hint.Errorf("end the program that has it, or choose another with --listen", "%s is in use", o.listen)
	case err != nil:
		return hint.Errorf("give --listen as 127.0.0.1:9300", "cannot listen: %w", err)
	}
	server := &http.Server{
		Handler:           paths(merger),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(o.logger.Handler(), slog.LevelDebug),
	}
	// Whoever scrapes when the service answers finds the workers that there are already in the totals.
	if err := merger.Read(ctx); err != nil {
		o.logger.Warn("the workers could not be read", "err", err)
	}
	parts, failed := errgroup.WithContext(ctx)
	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error { return merger.Run(reading) })
	parts.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", o.listen, err)
		}
		return nil
	})
	parts.Go(func() error {
		<-failed.Done()
		defer stopReading() // last: scrapes under way are answered with what is read meanwhile
		late, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if err := server.Shutdown(late); err != nil {
			return server.Close()
		}
		return nil
	})
	o.ready("http://" + listener.Addr().String() + "/metrics")
	return parts.Wait()
}

func paths(merger http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", merger)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "truecount-sidecar runs\n") })
	return mux
}
