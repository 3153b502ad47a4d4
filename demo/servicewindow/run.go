package servicewindow

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	_ "time/tzdata" // a container from scratch has no time zones

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/instrument/worker"
)

// Command is the whole program: settings from the environment, one process or several.
func Command(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	run := func(ctx context.Context, logger *slog.Logger) error {
		opts, err := OptionsFromEnv(getenv)
		if err != nil {
			return err
		}
		opts.Logger = logger
		return Run(ctx, opts)
	}
	return service.Command{Name: "servicewindow", About: about, Port: defaultPort, Run: run}.Execute(ctx, args, getenv, stderr)
}

// Run is one worker process: it serves until ctx is done or a signal ends it, and then drains. It serves also while the
// database does not answer, and says so; an error of the database that waiting does not help against ends it.
func Run(ctx context.Context, opts Options) error {
	app, err := New(opts)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	exporting, stopExporting := context.WithCancel(context.WithoutCancel(ctx)) // until it has drained
	var running sync.WaitGroup
	running.Go(func() {
		if err := app.ExportWindows(exporting); err != nil {
			stop(err)
		}
	})
	running.Go(func() {
		select {
		case err := <-app.hopeless:
			stop(err)
		case <-exporting.Done():
		}
	})
	err = worker.Run(ctx, worker.Options{
		Addr:    opts.Addr,
		Handler: app.Handler(),
		Metrics: app.metrics,
		Logger:  opts.Logger,
		OnReady: opts.OnReady,
	})
	stopExporting()
	running.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = errors.Join(err, cause)
	}
	stop(nil)
	return errors.Join(err, app.Close())
}
