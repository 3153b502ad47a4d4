// Command instrument measures what one HTTP request costs more through a middleware than through the bare handler: ours,
// client_golang's promhttp, slok/go-http-metrics and OpenTelemetry's otelhttp with metrics only, each with the metrics
// that it has by default or, promhttp, with the same four as ours.
//
// It is a module of its own, so that nobody inherits the peers' versions: GOWORK=off go run .
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"testing"
	"text/tabwriter"
)

func main() {
	testing.Init()
	rounds := flag.Int("rounds", 8, "rounds, in each of which every middleware has its turn")
	benchtime := flag.String("benchtime", "300ms", "length of a turn")
	flag.Parse()
	if err := run(*rounds, *benchtime); err != nil {
		fmt.Fprintln(os.Stderr, "bench/instrument:", err)
		os.Exit(1)
	}
}

func run(rounds int, benchtime string) error {
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		return err
	}
	// One core: what a request costs, not how many there may be at once.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	subjects, err := subjects()
	if err != nil {
		return err
	}
	results := make([][]float64, len(subjects))
	allocs, bytes := make([]int64, len(subjects)), make([]int64, len(subjects))
	for range rounds {
		for i, s := range subjects {
			r := testing.Benchmark(func(b *testing.B) { serve(b, s.handler) })
			results[i] = append(results[i], float64(r.T.Nanoseconds())/float64(r.N))
			allocs[i], bytes[i] = r.AllocsPerOp(), r.AllocedBytesPerOp()
		}
	}
	bare, ours := median(results[0]), median(results[1])
	fmt.Printf("one GET through a ServeMux, one core, median of %d interleaved rounds; bare handler %.0f ns\n", rounds, bare)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "middleware\tadded\tallocations\tbytes\tof ours")
	for i, s := range subjects[1:] {
		added := median(results[i+1]) - bare
		fmt.Fprintf(table, "%s\t%.0f ns\t%d\t%d\t%.1f\n", s.name, added, allocs[i+1]-allocs[0], bytes[i+1]-bytes[0], added/(ours-bare))
	}
	return table.Flush()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func serve(b *testing.B, handler http.Handler) {
	request, err := http.NewRequest(http.MethodGet, "/walks/7", nil)
	if err != nil {
		b.Fatal(err)
	}
	writer := &nullWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(writer, request)
	}
}

// nullWriter writes nothing; padded, since a writer that shares its cache line with another measures the cache line.
type nullWriter struct {
	_      [64]byte
	header http.Header
	_      [64]byte
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
