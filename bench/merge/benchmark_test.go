package main

import (
	"bytes"
	"strings"
	"testing"
)

const benchOutput = `goos: linux
BenchmarkReadingRound4Workers                             	    1000	   1200000 ns/op	  90.00 MB/s	 1 B/op	 2 allocs/op
BenchmarkReadingRound4Workers-2                           	    1000	   1000000 ns/op
BenchmarkReadingRound4Workers-2                           	    1000	   1400000 ns/op
BenchmarkMergedScrape4WorkersAfterAReading/text-2         	    5000	    300000 ns/op
BenchmarkMergedScrape4WorkersAfterAReading/protobuf       	    5000	    200000 ns/op
BenchmarkMergedScrape4WorkersCached                       	  100000	      9000.5 ns/op
BenchmarkReadingRound8Workers10kSeries-2  	      13	  94904941 ns/op	      1186 ns/series	29709834 B/op	  730767 allocs/op
BenchmarkMergedScrape8Workers10kSeries-2  	     123	   9133897 ns/op	  86.88 MB/s	       913.4 ns/series	 5176825 B/op	   35972 allocs/op
BenchmarkWarmScrape/text-2         	     300	   3585101 ns/op	   51114 B/op	     343 allocs/op
BenchmarkWarmScrape/gzip-2         	     300	   4585101 ns/op	   51115 B/op	     345 allocs/op
PASS
`

func TestTheResultsOfBenchmarksAreMediansByUnit(t *testing.T) {
	found := map[string]result{}
	if err := parse(benchOutput, found); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := &report{out: &out}
	if err := r.benchmarks(found); err != nil {
		t.Fatal(err)
	}
	if err := r.flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"343 times", "51115 bytes", "1186 ns a series", "94905 µs", "1200 µs", "9 µs"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
}

func TestABenchmarkThatIsGoneIsSaid(t *testing.T) {
	found := map[string]result{}
	if err := parse(strings.ReplaceAll(benchOutput, "Cached", "Kept"), found); err != nil {
		t.Fatal(err)
	}
	if err := (&report{out: &bytes.Buffer{}}).benchmarks(found); err == nil || !strings.Contains(err.Error(), cached4) {
		t.Errorf("err = %v, want it to name %s", err, cached4)
	}
}
