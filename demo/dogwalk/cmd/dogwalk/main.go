// Command dogwalk serves the walks. Its settings come from the environment: dogwalk -h lists them.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/truecount/truecount/demo/dogwalk"
)

func main() {
	if err := dogwalk.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "dogwalk:", err)
		os.Exit(1)
	}
}
