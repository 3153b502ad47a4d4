package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/truecount/truecount/demo"
	"github.com/truecount/truecount/demo/clicks"
	"github.com/truecount/truecount/demo/dogwalk"
	"github.com/truecount/truecount/demo/latency"
	"github.com/truecount/truecount/demo/servicewindow"
	"github.com/truecount/truecount/demo/traffic"
	"github.com/truecount/truecount/internal/app"
	"github.com/truecount/truecount/internal/application"
)

// newDemo has the demo applications in this binary, so that one `go run` is enough: up starts itself as their workers.
func newDemo() *cobra.Command {
	parent := &cobra.Command{Use: "demo", Short: "one worker of a demo application", Hidden: true, Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	parent.AddCommand(
		demoCommand("clicks", "a button", func(ctx context.Context, cmd *cobra.Command, args []string) error {
			return clicks.Command(ctx, args, os.Getenv, cmd.ErrOrStderr())
		}),
		demoCommand("dogwalk", "dogs, walkers and walks", func(ctx context.Context, cmd *cobra.Command, args []string) error {
			return dogwalk.Command(ctx, args, os.Getenv, cmd.ErrOrStderr())
		}),
		demoCommand("latency", "answers that take a random time", func(ctx context.Context, cmd *cobra.Command, args []string) error {
			return latency.Command(ctx, args, os.Getenv, cmd.ErrOrStderr())
		}),
		demoCommand("servicewindow", "components and their service windows", func(ctx context.Context, cmd *cobra.Command, args []string) error {
			return servicewindow.Command(ctx, args, os.Getenv, cmd.ErrOrStderr())
		}),
	)
	return parent
}

// demoCommand leaves signals to the demo's worker: what ends it must drain it first.
func demoCommand(name, short string, run func(context.Context, *cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error { return run(context.Background(), cmd, args) }}
}

// keepsIn says by which variable each demo is told what it keeps, and the file of the data directory that is.
var keepsIn = map[string]struct{ variable, file string }{
	"dogwalk":       {"DATABASE_URL", "dogwalk.db"},
	"latency":       {"BREAK_FILE", "latency-broken.json"},
	"servicewindow": {"DATABASE_URL", "servicewindow.db"},
}

// visitsPerWalk is how often latency is visited while one walk starts: enough for its quantiles to mean something.
const visitsPerWalk = 4

// demos fills in the demo applications as their own files describe them, run by this binary.
func demos(dataDir string, walks float64, options *app.Options) error {
	program, err := self()
	if err != nil {
		return err
	}
	folder, err := absolute(dataDir)
	if err != nil {
		return err
	}
	for _, file := range demo.Files() {
		parsed, err := application.Parse(file.Name, file.Content)
		if err != nil {
			return fmt.Errorf("the built-in %s: %w", file.Name, err)
		}
		for _, a := range parsed.Applications {
			a.Spec.Command = []string{program, "demo", a.Metadata.Name}
			a.Spec.Env = map[string]string{}
			if os.Getenv("LOG_LEVEL") == "" { // their starts and ends are on the page already
				a.Spec.Env["LOG_LEVEL"] = "warn"
			}
			if keeps, ok := keepsIn[a.Metadata.Name]; ok {
				a.Spec.Env[keeps.variable] = filepath.Join(folder, keeps.file)
			}
			options.Applications = append(options.Applications, a)
		}
		if parsed.Local != nil {
			options.Local = parsed.Local
		}
	}
	options.AnyApplicationPort = true
	if walks > 0 {
		options.Traffic = func(ctx context.Context, addresses map[string]string) error {
			return drive(ctx, addresses, walks, options.Logger)
		}
	}
	return nil
}

// drive visits the demos until ctx is done.
func drive(ctx context.Context, addresses map[string]string, walks float64, logger *slog.Logger) error {
	visitors, ctx := errgroup.WithContext(ctx)
	visitors.Go(func() error {
		return traffic.Run(ctx, traffic.Options{URL: addresses["dogwalk"], Rate: walks, Logger: logger})
	})
	visitors.Go(func() error {
		return traffic.Visit(ctx, traffic.Options{URL: addresses["latency"], Rate: min(visitsPerWalk*walks, traffic.MaxRate), Logger: logger})
	})
	return visitors.Wait()
}
