// Command clicks serves the button. Its settings come from the environment: clicks -h lists them.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/truecount/truecount/demo/clicks"
)

func main() {
	if err := clicks.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "clicks:", err)
		os.Exit(1)
	}
}
