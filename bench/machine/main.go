// Command machine prints the machine that measures; it is the head of every report.
package main

import (
	"context"
	"fmt"

	"github.com/truecount/truecount/bench/internal/machine"
)

func main() {
	for _, line := range machine.Describe(context.Background()) {
		fmt.Println(line)
	}
}
