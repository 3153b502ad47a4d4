package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/truecount/truecount/instrument/contrib/webconfig"
	"github.com/truecount/truecount/instrument/endpoint"
	"github.com/truecount/truecount/internal/hint"
)

type options struct {
	merger  merger
	listen  string
	web     *webconfig.Config // nil: everyone may read, without TLS
	scrapes int               // answered at once
	grace   time.Duration     // for scrapes under way at the end
	logger  *slog.Logger
	ready   func(url string)
}

// merger makes one page of what the workers have, whatever way they have it.
type merger interface {
	http.Handler
	Read(context.Context) error
	Run(context.Context) error
	Close()
}

// defaultGrace is how long scrapes under way may take at the end.
const defaultGrace = 2 * time.Second

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
	if o.web == nil {
		warnOfOpenDoor(o.logger, listener.Addr())
	}
	// Whoever scrapes when the service answers finds the workers that there are already in the totals.
	if err := merger.Read(ctx); err != nil {
		o.logger.Warn("the workers could not be read", "err", err)
	}
	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		defer stop() // without readings there is nothing to serve
		ended <- merger.Run(reading)
	}()
	err = endpoint.Run(ctx, endpoint.Options{
		Handler: merger, Listener: listener, MaxRequests: o.scrapes, WriteTimeout: time.Minute, ShutdownTimeout: o.grace, Logger: o.logger,
		Serve: func(server *http.Server, l net.Listener) error { return o.serve(server, l) },
	})
	stopReading() // last: scrapes under way are answered with what is read meanwhile
	return errors.Join(err, <-ended)
}

// serve serves what the listener takes, as the web configuration file says.
func (o *options) serve(server *http.Server, l net.Listener) error {
	server.Handler = withHealth(server.Handler)
	scheme := "http"
	if o.web != nil && o.web.TLS() {
		scheme = "https"
	}
	o.ready(scheme + "://" + l.Addr().String() + "/metrics")
	if o.web != nil {
		return o.web.Serve(server, l)
	}
	return server.Serve(l)
}

// withHealth answers probes: they wait for nothing and cost nothing.
func withHealth(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "truecount-sidecar runs\n") })
	return mux
}
