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
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
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
	count := flag.Int("count", 5, "turns of each side")
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

// run lets the two take turns, so that what else the machine does meets both.
func run(ctx context.Context, count int, benchtime, script string) error {
	dir, err := os.MkdirTemp("", "truecount-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	test := filepath.Join(dir, "merge.test")
	if _, err := output(exec.CommandContext(ctx, "go", "test", "-c", "-o", test, "./internal/merge")); err != nil {
		return err
	}
	python := withClient(ctx)
	if python == "" {
		fmt.Println("python's prometheus_client is not installed (scripts/tools.sh does it): measured without it")
	}
	var ours strings.Builder
	var theirs []float64
	var version string
	for range count {
		cmd := exec.CommandContext(ctx, test, "-test.run", "^$", "-test.bench", "4Workers", "-test.cpu", "1", "-test.benchtime", benchtime)
		cmd.Dir = "internal/merge"
		out, err := output(cmd)
		if err != nil {
			return err
		}
		ours.WriteString(out)
		if python == "" {
			continue
		}
		if out, err = output(exec.CommandContext(ctx, python, script)); err != nil {
			return err
		}
		var numbers string
		version, numbers, _ = strings.Cut(out, "\n")
		turn, err := nanoseconds(numbers)
		if err != nil {
			return fmt.Errorf("%s: %w", script, err)
		}
		theirs = append(theirs, figures.Median(turn))
	}
	parsed, err := parse(ours.String())
	if err != nil {
		return err
	}
	fmt.Printf("one merged scrape of 4 workers, one core, median of %d turns each, load %s\n", count, machine.Load())
	return report(os.Stdout, parsed, theirs, version)
}

// output is a command's standard output; the error has what it said before it failed.
func output(cmd *exec.Cmd) (string, error) {
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out), nil
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

// withClient returns the first Python that has the client, or "". Debian's own has Debian's packages, whatever another
// python3 comes first in PATH.
func withClient(ctx context.Context) string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(ctx, python, "-c", "import prometheus_client").Run() == nil {
			return python
		}
	}
	return ""
}

// nanoseconds reads one number a line.
func nanoseconds(lines string) (values []float64, err error) {
	for _, field := range strings.Fields(lines) {
		ns, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number of nanoseconds", field)
		}
		values = append(values, ns)
	}
	return values, nil
}
