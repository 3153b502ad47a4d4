package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parse reads the output of go test -bench: nanoseconds per operation of each round, by name of the benchmark. With
// -cpu 1 names have no suffix.
func parse(output string) (map[string][]float64, error) {
	found := map[string][]float64{}
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") || fields[3] != "ns/op" {
			continue
		}
		ns, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, fmt.Errorf("a line of go test -bench that is not understood: %q", strings.TrimSpace(line))
		}
		found[fields[0]] = append(found[fields[0]], ns)
	}
	for _, name := range []string{round, firstText, firstProto, cached} {
		if len(found[name]) == 0 {
			return nil, fmt.Errorf("internal/merge has no %s any more:\n%s", name, output)
		}
	}
	return found, nil
}
