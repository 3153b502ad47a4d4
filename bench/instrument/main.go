// Command instrument measures what the library costs beside its peers, side by side in one run: one HTTP request through a
// middleware against the bare handler, one counter that is looked up by its labels, one SQL query against the bare driver.
//
// Subjects of a comparison take turns, so that what disturbs the machine disturbs all of them; what is printed is the median.
// With -o, every turn is written in the format of Go's benchmarks, for benchstat.
//
// It is a module of its own, so that nobody inherits the peers' versions: GOWORK=off go run .
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"
	"text/tabwriter"
)

// A comparison measures subjects against the first of them.
type comparison struct {
	name     string // of the benchmark: "Request"
	title    string
	subjects []subject
}

// A subject is one way to do the same thing.
type subject struct {
	name string // without blanks, as benchstat needs it
	run  func(*testing.B)
	ours bool
}

func main() {
	testing.Init()
	rounds := flag.Int("rounds", 10, "rounds, in each of which every subject has its turn")
	benchtime := flag.String("benchtime", "300ms", "length of a turn")
	output := flag.String("o", "", "`FILE` for every turn, in the format of Go's benchmarks")
	flag.Parse()
	if err := run(*rounds, *benchtime, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench/instrument:", err)
		os.Exit(1)
	}
}

func run(rounds int, benchtime, output string) error {
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		return err
	}
	turns := io.Discard
	if output != "" {
		file, err := os.Create(output)
		if err != nil {
			return err
		}
		defer file.Close()
		turns = file
	}
	fmt.Fprintf(turns, "goos: %s\ngoarch: %s\npkg: github.com/truecount/truecount/bench/instrument\n", runtime.GOOS, runtime.GOARCH)
	// One core: what a request costs, not how many there may be at once.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, prepare := range []func() ([]comparison, error){requests, counters, queries} {
		comparisons, err := prepare()
		if err != nil {
			return err
		}
		for _, c := range comparisons {
			if err := c.measure(rounds, turns, os.Stdout); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure lets every subject have its turn in every round.
func (c comparison) measure(rounds int, turns, table io.Writer) error {
	results := make([][]testing.BenchmarkResult, len(c.subjects))
	for range rounds {
		for i, s := range c.subjects {
			r := testing.Benchmark(s.run)
			if r.N == 0 {
				return fmt.Errorf("%s: %s failed", c.name, s.name)
			}
			results[i] = append(results[i], r)
			fmt.Fprintf(turns, "Benchmark%s/%s %s %s\n", c.name, s.name, r.String(), r.MemString())
		}
	}
	return c.print(results, rounds, table)
}

func (c comparison) print(results [][]testing.BenchmarkResult, rounds int, w io.Writer) error {
	bare := median(results[0], nanoseconds)
	fmt.Fprintf(w, "%s; one core, median of %d interleaved rounds; %s %.0f ns\n", c.title, rounds, c.subjects[0].name, bare)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tadded\tallocations\tbytes")
	base := results[0]
	for i, s := range c.subjects[1:] {
		r := results[i+1]
		fmt.Fprintf(table, "%s\t%+.0f ns\t%+d\t%+d\n", s.name, median(r, nanoseconds)-bare,
			median(r, allocations)-median(base, allocations), median(r, bytes)-median(base, bytes))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	c.printRatio(results, bare, w)
	_, err := fmt.Fprintln(w)
	return err
}

// printRatio sets our first row beside the best of the peers.
func (c comparison) printRatio(results [][]testing.BenchmarkResult, bare float64, w io.Writer) {
	added := func(i int) float64 { return median(results[i], nanoseconds) - bare }
	ours, best := -1, -1
	for i, s := range c.subjects {
		switch {
		case i == 0:
		case s.ours && ours < 0:
			ours = i
		case !s.ours && (best < 0 || added(i) < added(best)):
			best = i
		}
	}
	// On a busy machine a disturbed round of the first subject may hide what the others add.
	if ours > 0 && best > 0 && added(ours) > 0 {
		fmt.Fprintf(w, "%s adds %.1f times what %s adds\n", c.subjects[best].name, added(best)/added(ours), c.subjects[ours].name)
	}
}

func nanoseconds(r testing.BenchmarkResult) float64 { return float64(r.T.Nanoseconds()) / float64(r.N) }
func allocations(r testing.BenchmarkResult) int64   { return r.AllocsPerOp() }
func bytes(r testing.BenchmarkResult) int64         { return r.AllocedBytesPerOp() }

func median[N cmp.Ordered](results []testing.BenchmarkResult, of func(testing.BenchmarkResult) N) N {
	values := make([]N, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
