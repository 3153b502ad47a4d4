// Command scale measures what autoscaling costs. Its part replay plays one autoscaler over a month of history at a decision
// every 15 s, as `truecount replay` does: it asks a real server of this program over HTTP, on this machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	days := flag.Int("days", 30, "days of history that are replayed")
	pods := flag.Int("pods", 10, "pods of the application")
	trials := flag.Int("trials", 5, "how often each is measured")
	recorded := flag.String("recorded", "internal/scale/replay/testdata/controlplane", "`DIRECTORY` of what was recorded of Kubernetes' own controller")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := compareDecisions(ctx, os.Stdout, *recorded)
	if err == nil {
		err = measureReplay(ctx, os.Stdout, *days, *pods, *trials)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/scale:", err)
		os.Exit(1)
	}
}
