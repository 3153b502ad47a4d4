package latency

import (
	"context"
	"io"
	"log/slog"
	"sync"

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
	return service.Command{Name: "latency", About: about, Port: defaultPort, Run: run}.Execute(ctx, args, getenv, stderr)
}

// Run is one worker process: it serves until ctx is done or a signal ends it, and then drains. It is up, and counts that,
// until it has drained.
func Run(ctx context.Context, opts Options) error {
	app, err := New(opts)
	if err != nil {
		return err
	}
	up, down := context.WithCancel(context.WithoutCancel(ctx))
	var counting sync.WaitGroup
	counting.Go(func() { app.CountUptime(up) })
	defer counting.Wait()
	defer down()
	return worker.Run(ctx, worker.Options{
		Addr:    opts.Addr,
		Handler: app.Handler(),
		Metrics: app.metrics,
		Logger:  opts.Logger,
		OnReady: opts.OnReady,
	})
}
