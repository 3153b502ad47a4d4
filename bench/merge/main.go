// Command merge measures what one merged scrape of four workers costs: a reading round, in which four workers are asked,
// decoded and added up, and the first scrape after it, which writes the page. Beside it stands what Python's own
// multiprocess collector takes for the same counters and histograms, if its client is installed.
//
// The two divide the work differently. Ours asks the workers over HTTP on unix sockets; both ends of that are in here,
// since the benchmark's workers are in its process, but not what a worker needs to gather its metrics. Python's workers
// write every change into a mapped file, which is not in here, and the collector reads the files. Our workers also have
// the Go and process collectors' series, which Python's mode does not support.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
	"github.com/truecount/truecount/bench/internal/machine"
)

// The benchmarks of internal/merge that make one merged scrape.
const (
	round      = "BenchmarkReadingRound4Workers"
	firstText  = "BenchmarkMergedScrape4WorkersAfterAReading/text"
	firstProto = "BenchmarkMergedScrape4WorkersAfterAReading/protobuf"
	cached     = "BenchmarkMergedScrape4WorkersCached"
)

func main() {
	count := flag.Int("count", 5, "rounds of each benchmark")
	benchtime := flag.String("benchtime", "1s", "as go test's")
	python := flag.String("python", "bench/merge/multiprocess.py", "the script for Python's client")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *count, *benchtime, *python); err != nil {
		fmt.Fprintln(os.Stderr, "bench/merge:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, count int, benchtime, script string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "4Workers", "-cpu", "1",
		"-count", fmt.Sprint(count), "-benchtime", benchtime, "./internal/merge")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, out)
	}
	ours, err := parse(string(out))
	if err != nil {
		return err
	}
	theirs, version, err := multiprocess(ctx, script)
	if errors.Is(err, errNoClient) {
		fmt.Println(err)
	} else if err != nil {
		return err
	}
	fmt.Printf("one merged scrape of 4 workers, one core, median of %d rounds, load %s\n", count, machine.Load())
	return report(os.Stdout, ours, theirs, version)
}

// report prints medians and the ratio.
func report(out io.Writer, ours map[string][]float64, theirs []float64, version string) error {
	median := func(name string) time.Duration { return time.Duration(figures.Median(ours[name])) }
	micros := func(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond)) }
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	whole := median(round) + median(firstText)
	for _, row := range []struct {
		name string
		of   time.Duration
	}{
		{"a reading round: ask, decode, add up", median(round)},
		{"the first scrape after it, text", median(firstText)},
		{"the first scrape after it, protobuf", median(firstProto)},
		{"any further scrape until the next round, text", median(cached)},
		{"a round and its first scrape, text", whole},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row.name, micros(row.of))
	}
	if len(theirs) > 0 {
		python := time.Duration(figures.Median(theirs))
		fmt.Fprintf(table, "Python's multiprocess collector (%s), text\t%s\n", version, micros(python))
		fmt.Fprintf(table, "ratio\t%.1f\n", float64(python)/float64(whole))
	}
	return table.Flush()
}

// errNoClient is no failure: the figures stand alone then.
var errNoClient = errors.New("python's prometheus_client is not installed (scripts/tools.sh does it): measured without it")

// multiprocess runs the script with the first Python that has the client. It returns nanoseconds per scrape.
func multiprocess(ctx context.Context, script string) (nanoseconds []float64, version string, err error) {
	// Debian's own has Debian's packages, whatever another python3 comes first in PATH.
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(ctx, python, "-c", "import prometheus_client").Run() != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, python, script)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, "", fmt.Errorf("%s %s: %w", python, script, err)
		}
		version, numbers, _ := strings.Cut(string(out), "\n")
		for _, field := range strings.Fields(numbers) {
			var ns float64
			if _, err := fmt.Sscan(field, &ns); err != nil {
				return nil, "", fmt.Errorf("%s: %q is no number of nanoseconds", script, field)
			}
			nanoseconds = append(nanoseconds, ns)
		}
		return nanoseconds, version, nil
	}
	return nil, "", errNoClient
}
