// Command servicewindow serves components and their service windows. Its settings come from the environment: servicewindow -h lists them.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/truecount/truecount/demo/servicewindow"
)

func main() {
	if err := servicewindow.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "servicewindow:", err)
		os.Exit(1)
	}
}
