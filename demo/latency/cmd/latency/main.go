// Command latency serves answers that take a random time. Its settings come from the environment: latency -h lists them.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/truecount/truecount/demo/latency"
)

func main() {
	if err := latency.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "latency:", err)
		os.Exit(1)
	}
}
