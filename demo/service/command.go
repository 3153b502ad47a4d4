package service

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/truecount/truecount/demo/prefork"
)

// A Command is one demo as a program: everything it can be told comes from the environment.
type Command struct {
	Name string
	// About is the help text: what it does and the variables it reads.
	About string
	// Port is the default port.
	Port string
	// Log makes what writes the log to stderr, from the lowest level on. Default: lines of key=value.
	Log func(stderr io.Writer, lowest slog.Level) slog.Handler
	// Run is one worker process.
	Run func(ctx context.Context, logger *slog.Logger) error
}

// Execute runs the command until ctx is done or a signal ends it: in this process, or, if WEB_CONCURRENCY asks for
// several and nobody has handed over a socket, as the parent of that many processes of the same program.
func (c Command) Execute(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	if len(args) > 0 {
		if args[0] == "-h" || args[0] == "--help" {
			_, err := io.WriteString(stderr, c.About)
			return err
		}
		return fmt.Errorf("unexpected argument %q: all settings come from the environment, -h lists them", args[0])
	}
	env, err := Read(getenv, c.Port)
	if err != nil {
		return err
	}
	logger := c.logger(stderr, env.LogLevel)
	switch {
	case prefork.IsChild(getenv):
		ctx, release, err := prefork.Adopt(ctx)
		if err != nil {
			return err
		}
		defer release()
		return c.Run(ctx, logger)
	case env.Workers > 1 && !supervised(getenv):
		return prefork.Run(ctx, prefork.Options{Addr: env.Addr, Workers: env.Workers, Logger: logger})
	}
	return c.Run(ctx, logger)
}

func (c Command) logger(stderr io.Writer, lowest slog.Level) *slog.Logger {
	if c.Log != nil {
		return slog.New(c.Log(stderr, lowest))
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: lowest})).With("app", c.Name)
}

// supervised reports that somebody else starts the workers, of which this is one.
func supervised(getenv func(string) string) bool {
	return getenv("LISTEN_FDS") != "" || getenv("TRUECOUNT_WORKER") != ""
}
