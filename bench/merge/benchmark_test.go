package main

import (
	"bytes"
	"strings"
	"testing"
)

const benchOutput = `goos: linux
BenchmarkReadingRound4Workers                             	    1000	   1200000 ns/op	  90.00 MB/s	 1 B/op	 2 allocs/op
BenchmarkReadingRound4Workers                             	    1000	   1000000 ns/op
BenchmarkReadingRound4Workers                             	    1000	   1400000 ns/op
BenchmarkMergedScrape4WorkersAfterAReading/text           	    5000	    300000 ns/op
BenchmarkMergedScrape4WorkersAfterAReading/protobuf       	    5000	    200000 ns/op
BenchmarkMergedScrape4WorkersCached                       	  100000	      9000.5 ns/op
PASS
`

func TestTheRatioIsOfARoundAndItsFirstScrape(t *testing.T) {
	ours, err := parse(benchOutput)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report(&out, ours, []float64{14e6, 15e6, 99e6}, "Python"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1500 µs", "15000 µs", "10.0\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
}

func TestABenchmarkThatIsGoneIsSaid(t *testing.T) {
	_, err := parse(strings.ReplaceAll(benchOutput, "Cached", "Kept"))
	if err == nil || !strings.Contains(err.Error(), cached) {
		t.Errorf("err = %v, want it to name %s", err, cached)
	}
}
