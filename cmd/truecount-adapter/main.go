// Command truecount-adapter answers Kubernetes' custom metrics API from Prometheus: it reads the configuration of
// prometheus-adapter as it is, lets each application bring rules of its own, and answers with the truth or an error.
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

	command := newRoot()
	command.SetArgs(args)
	if err := command.ExecuteContext(ctx); err != nil {
		hint.Print(os.Stderr, command.Name(), err)
		return 1
	}
	return 0
}
