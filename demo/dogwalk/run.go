package dogwalk

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/instrument/jsonlog"
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
	return service.Command{Name: "dogwalk", About: about, Port: defaultPort, Log: jsonLines, Run: run}.Execute(ctx, args, getenv, stderr)
}

// jsonLines is how programs read a log.
func jsonLines(out io.Writer, lowest slog.Level) slog.Handler {
	return jsonlog.New(out, jsonlog.Options{Logger: "dogwalk", Level: lowest})
}

// Run is one worker process: it opens the database, serves until ctx is done or a signal ends it, and then drains.
func Run(ctx context.Context, opts Options) error {
	app, err := New(ctx, opts)
	if err != nil {
		return err
	}
	err = worker.Run(ctx, worker.Options{
		Addr:           opts.Addr,
		Handler:        app.Handler(),
		Metrics:        app.instrument,
		MetricsHandler: app.scrapes,
		Logger:         opts.Logger,
		OnReady:        opts.OnReady,
	})
	return errors.Join(err, app.Close())
}
