package clicks

import (
	"context"
	"io"
	"log/slog"

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
	return service.Command{Name: "clicks", About: about, Port: defaultPort, Run: run}.Execute(ctx, args, getenv, stderr)
}

// Run is one worker process: it serves until ctx is done or a signal ends it, and then drains.
func Run(ctx context.Context, opts Options) error {
	app, err := New(opts)
	if err != nil {
		return err
	}
	return worker.Run(ctx, worker.Options{
		Addr:    opts.Addr,
		Handler: app.Handler(),
		Metrics: app.metrics,
		Logger:  opts.Logger,
		OnReady: opts.OnReady,
	})
}
