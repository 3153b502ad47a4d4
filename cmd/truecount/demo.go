package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/demo"
	"github.com/truecount/truecount/demo/clicks"
	"github.com/truecount/truecount/demo/dogwalk"
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
	)
	return parent
}

// demoCommand leaves signals to the demo's worker: what ends it must drain it first.
func demoCommand(name, short string, run func(context.Context, *cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error { return run(context.Background(), cmd, args) }}
}

// demos fills in the two demo applications as their own files describe them, run by this binary.
func demos(dataDir string, walks float64, options *app.Options) error {
	program, err := self()
	if err != nil {
		return err
	}
	database, err := absolute(filepath.Join(dataDir, "dogwalk.db"))
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
			if a.Metadata.Name == "dogwalk" {
				a.Spec.Env["DATABASE_URL"] = database
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
			return traffic.Run(ctx, traffic.Options{URL: addresses["dogwalk"], Rate: walks, Logger: options.Logger})
		}
	}
	return nil
}
