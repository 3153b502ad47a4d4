package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Ready is closed when every part serves and what the workers count has been read once.
func (a *App) Ready() <-chan struct{} { return a.ready }

// Reload reads the configuration again. An error leaves everything as it was.
func (a *App) Reload() error { return a.server.Reload() }

// Run runs everything until the context ends, [App.Stop] is called or a part fails, and ends everything before it
// returns: first what acts, then the workers, then what serves. It is called once.
func (a *App) Run(ctx context.Context) error {
	if !a.begun.CompareAndSwap(false, true) {
		select {
		case <-a.stop:
			return nil // stopped before it began
		default:
			return errors.New("already run or closed")
		}
	}
	defer close(a.done)

	parts := newStack(a.logger)
	parts.start("http server", a.serve)
	parts.start("prometheus", a.server.Run)
	for _, s := range a.services {
		parts.start(s.id().Name, s.run)
	}
	if a.live != nil {
		parts.start("first page", a.live.run)
	}
	parts.start("traffic", a.afterReady)

	var err error
	select {
	case <-ctx.Done():
	case <-a.stop:
	case err = <-parts.failed:
	}
	ended := tellWhileWaiting(a.logger, "still ending: workers answer what they have begun")
	defer ended()
	if stopped := parts.stop(); err == nil {
		err = stopped
	}
	return errors.Join(err, a.giveUp())
}

// afterReady waits for the parts, tells that they serve, and lets the traffic in.
func (a *App) afterReady(ctx context.Context) error {
	select {
	case <-a.server.Ready():
		close(a.answers)
	case <-ctx.Done():
		return nil
	}
	for _, s := range a.services {
		started := tellWhileWaiting(a.logger, "still not ready: its workers have not said so, or end before they do", "application", s.id())
		err := s.awaitReady(ctx)
		if err == nil {
			err = s.awaitRead(ctx)
		}
		started()
		if err != nil {
			return nil // the context ended
		}
	}
	close(a.ready)
	if a.options.Traffic == nil {
		<-ctx.Done()
		return nil
	}
	return a.options.Traffic(ctx, a.Addresses())
}

// serve runs the HTTP server. It is the last part to end, so that workers that drain can still be read.
func (a *App) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- a.http.Serve(a.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", a.listener.Addr(), err)
	case <-ctx.Done():
	}
	a.pages.Close() // its streams would not end by themselves
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := a.http.Shutdown(grace); err != nil {
		a.http.Close() // a client that will not end is cut off
	}
	<-failed
	return nil
}

// Stop ends the App and waits until it has ended. One that does not run yet is given up, and will not.
func (a *App) Stop() {
	a.stopOnce.Do(func() { close(a.stop) })
	if err := a.Close(); err != nil {
		a.logger.Error("not everything could be given up", "err", err)
	}
	<-a.done
}

// Close gives up what New took. It does nothing to an App that runs or has run: Run does it by itself.
func (a *App) Close() error {
	if !a.begun.CompareAndSwap(false, true) {
		return nil
	}
	defer close(a.done)
	return a.giveUp()
}

// giveUp undoes New, last in, first out.
func (a *App) giveUp() error {
	var errs []error
	for i := len(a.release) - 1; i >= 0; i-- {
		if err := a.release[i](); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tellEvery is how often a wait that lasts is spoken of.
const tellEvery = 10 * time.Second

// tellWhileWaiting says what is waited for every ten seconds until done is called: a program that is silent looks as if it
// hung.
func tellWhileWaiting(logger *slog.Logger, what string, args ...any) (done func()) {
	began, ticker := time.Now(), time.NewTicker(tellEvery)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				logger.Warn(what, append([]any{"for", time.Since(began).Round(time.Second)}, args...)...)
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}
