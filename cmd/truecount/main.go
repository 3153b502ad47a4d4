// Command truecount takes an application's own metric from the line of code that counts it to everything that
// acts on it. Run "truecount up" for the whole chain on this machine.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

func main() {
	// Prometheus' own command runs with this setting unless told otherwise: a server that keeps series in memory
	// is better off collecting a little more often.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(75)
	}
	os.Exit(run(os.Args[1:]))
}

// run executes one command line and returns the exit code: 0, or 1 after one message on standard error.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the process at once: whoever presses it twice means it.
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		hint.Print(os.Stderr, "truecount", err)
		return 1
	}
	return 0
}
