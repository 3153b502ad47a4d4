package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/app"
)

// runApp runs an App until the context ends, tells on standard output when it is ready, and has it read its configuration
// again at each of the hangups.
func runApp(ctx context.Context, cmd *cobra.Command, options app.Options, hangups <-chan os.Signal) error {
	a, err := app.New(options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		select {
		case <-a.Ready():
			announce(cmd.OutOrStdout(), a)
		case <-ctx.Done():
		}
		reloadOn(ctx, hangups, a)
	})
	err = a.Run(ctx)
	cancel()
	beside.Wait()
	return err
}

// announce is what scripts wait for: one line, then the applications. It is one write: a reader that is content with the
// first line (head -1) must not end this process with the second.
func announce(out io.Writer, a *app.App) {
	var text strings.Builder
	fmt.Fprintf(&text, "ready: %s\n", a.URL())
	addresses := a.Addresses()
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		fmt.Fprintf(&text, "%s: %s\n", name, addresses[name])
	}
	io.WriteString(out, text.String())
}

// reloadOn ends with the context. What goes wrong with a reload the server itself says in the log.
func reloadOn(ctx context.Context, hangups <-chan os.Signal, a *app.App) {
	for {
		select {
		case <-hangups:
			a.Reload()
		case <-ctx.Done():
			return
		}
	}
}

// notifyHangup catches SIGHUP from now on: one that comes before the server is ready waits until it is.
func notifyHangup() (hangups <-chan os.Signal, stop func()) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	return caught, func() { signal.Stop(caught) }
}

// endOnHangup ends the context also when the terminal is closed: nothing that was started for somebody who looks at it
// stays behind. Under nohup it goes on.
func endOnHangup(ctx context.Context) (context.Context, context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) {
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}
