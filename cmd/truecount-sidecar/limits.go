package main

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/reading"
)

// limitFlags bound what workers and clients can cost. A limit of 0 is the default of what it bounds.
type limitFlags struct {
	scrapes, series, workerSeries, files int
	bytes                                size
}

func (f *limitFlags) register(set *pflag.FlagSet) {
	set.IntVar(&f.scrapes, "limit.scrapes", 16, "`NUMBER` of scrapes that are answered at once; more get 503")
	set.IntVar(&f.series, "limit.series", 200_000, "`NUMBER` of series whose totals are kept, of living workers and of dead ones; with --python-dir every bucket is one")
	set.IntVar(&f.workerSeries, "limit.worker-series", 50_000, "`NUMBER` of series that one worker may have, or with --python-dir one file of it; of more the first are taken")
	set.Var(&f.bytes, "limit.bytes", "`SIZE` of one worker's answer (16MiB if left out), or of what is in use of one file (64MiB); what is longer is left out")
	set.IntVar(&f.files, "limit.files", 4096, "`NUMBER` of files that are held open, with --python-dir; of others nothing is read")
}

func (f *limitFlags) check() error {
	for name, n := range map[string]int{
		"scrapes": f.scrapes, "series": f.series, "worker-series": f.workerSeries, "files": f.files,
	} {
		if n < 1 {
			return hint.Errorf("leave it out, or give 1 or more", "--limit.%s: %d is no limit", name, n)
		}
	}
	return nil
}

func (f *limitFlags) ofDirectory() pydir.Limits {
	return pydir.Limits{Worker: reading.Limits{Series: f.workerSeries}, Files: f.files, FileBytes: int(f.bytes), Retained: f.series}
}

func (f *limitFlags) ofEndpoints() merge.Limits {
	return merge.Limits{Worker: reading.Limits{Bytes: int(f.bytes), Series: f.workerSeries}, Retained: f.series}
}

// size is a number of bytes, written as 64MiB.
type size int

var units = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// maxSize is what a length in the client's files can be at most: they have 31 bits for it.
const maxSize = 1<<31 - 1

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	for _, u := range units {
		if int(*s)%u.bytes == 0 {
			return strconv.Itoa(int(*s)/u.bytes) + u.name
		}
	}
	return ""
}

func (s *size) Set(text string) error {
	for _, u := range units {
		digits, found := strings.CutSuffix(text, u.name)
		if !found {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > maxSize/u.bytes {
			break
		}
		*s = size(n * u.bytes)
		return nil
	}
	return hint.Errorf("write it as 64MiB, at most 2047MiB", "no size")
}

func (s *size) Type() string { return "size" }
