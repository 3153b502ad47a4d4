// Command truecount-sidecar stands beside the worker processes of one replica and answers one truthful scrape for all of
// them: it reads each worker's own metrics and serves their totals, which never go down when a worker ends.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

func main() { os.Exit(run(os.Args[1:])) }

// run executes one command line and returns the exit code: 0, or 1 after one message on standard error.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the process at once: whoever presses it twice means it.
	context.AfterFunc(ctx, stop)

	collectLate()
	command := newCommand()
	command.SetArgs(args)
	if err := command.ExecuteContext(ctx); err != nil {
		hint.Print(os.Stderr, command.Name(), err)
		return 1
	}
	return 0
}
