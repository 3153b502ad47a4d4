package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/truecount/truecount/bench/internal/figures"
)

// The Go benchmarks whose results are printed.
const (
	warmText = "BenchmarkWarmScrape/text"
	warmGzip = "BenchmarkWarmScrape/gzip"
	round4   = "BenchmarkReadingRound4Workers"
	first4   = "BenchmarkMergedScrape4WorkersAfterAReading/text"
	proto4   = "BenchmarkMergedScrape4WorkersAfterAReading/protobuf"
	cached4  = "BenchmarkMergedScrape4WorkersCached"
	round8   = "BenchmarkReadingRound8Workers10kSeries"
	scrape8  = "BenchmarkMergedScrape8Workers10kSeries"
	nsSeries = "ns/series"
	nsOp     = "ns/op"
	bytesOp  = "B/op"
	allocsOp = "allocs/op"
)

var benchmarks = []string{warmText, warmGzip, round4, first4, proto4, cached4, round8, scrape8}

// names are the benchmarks' functions, for -bench.
var names = []string{"WarmScrape", "4Workers", "8Workers"}

// result has the values of a benchmark's turns by unit.
type result map[string][]float64

func (r result) median(unit string) float64 { return figures.Median(r[unit]) }

// parse adds what the output of go test -bench says, by a benchmark's name without the number of processors.
func parse(output string, found map[string]result) error {
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := fields[0]
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			if _, err := strconv.Atoi(name[at+1:]); err == nil {
				name = name[:at]
			}
		}
		if found[name] == nil {
			found[name] = result{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return fmt.Errorf("a line of go test -bench that is not understood: %q", strings.TrimSpace(line))
			}
			found[name][fields[i+1]] = append(found[name][fields[i+1]], value)
		}
	}
	return nil
}
