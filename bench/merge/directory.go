package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// directory is a multiprocess directory with a live writer, which keeps an account of its own of what it has written.
type directory struct {
	path       string
	load       *pydirtest.Load
	generation pydirtest.Generation
	total      float64 // what counted finds in a page
	dead       int     // files of dead workers beside those of the load
	jobs       float64 // what dead workers counted
}

// deadJobs is the counter that only dead workers have.
const deadJobs = `jobs_total{queue="mail"}`

// layDirectory writes the files of so many workers, and beside them files of workers that have died: each was renamed as
// the application's exit hook does.
func layDirectory(path string, workers, dead int, g pydirtest.Generation) (*directory, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	d := &directory{path: path, dead: dead, generation: g}
	for pid := range dead {
		w := pydirtest.NewWorker(path, strconv.Itoa(100_000+pid), g)
		jobs := w.Counter("jobs", "Jobs done.", pydirtest.Label{Name: "queue", Value: "mail"})
		jobs.Add(float64(pid % 100))
		d.jobs += jobs.Get()
		if err := w.Close(); err != nil {
			return nil, err
		}
		name := filepath.Join(path, fmt.Sprintf("counter_%d", 100_000+pid))
		if err := os.Rename(name+".db", fmt.Sprintf("%s.retired-%d.db", name, 1_764_430_000_000_000_000+pid)); err != nil {
			return nil, err
		}
	}
	var err error
	if d.load, err = pydirtest.NewLoad(path, workers, g, 1); err != nil {
		return nil, err
	}
	for name, value := range d.load.Account() {
		if isCounted(name) {
			d.total += value
		}
	}
	return d, nil
}

// tick changes a value of every file; of each worker, a counter grows by one and a histogram has one more observation.
func (d *directory) tick() error {
	d.total += 2 * float64(len(d.load.Workers))
	return d.load.Tick()
}

// checkTotal compares the sum of what a page counts with what the writer has counted. It takes no time beside a scrape.
func (d *directory) checkTotal(page []byte, compressed bool) error {
	if compressed {
		var err error
		if page, err = decompress(page); err != nil {
			return err
		}
	}
	got, err := counted(page)
	if err == nil && got != d.total {
		err = fmt.Errorf("it counts %v, and the writer's account %v", got, d.total)
	}
	return err
}

// check compares a page with the account: every sample must be there with its value, and no other beside the merge's own.
func (d *directory) check(page []byte, compressed bool) error {
	if compressed {
		var err error
		if page, err = decompress(page); err != nil {
			return err
		}
	}
	want := d.load.Account()
	if d.dead > 0 {
		want[deadJobs] = d.jobs
	}
	for line := range strings.Lines(string(page)) {
		if line[0] == '#' || strings.HasPrefix(line, "truecount_merge_") {
			continue
		}
		name, value, err := sample(line)
		if err != nil {
			return err
		}
		expected, there := want[name]
		if !there {
			return fmt.Errorf("%s was not written, or is there twice", name)
		}
		// Sums of observations may differ in their last digits from another order of addition.
		if math.Abs(value-expected) > 1e-12*math.Abs(expected) {
			return fmt.Errorf("%s is %v, and the writer's account says %v", name, value, expected)
		}
		delete(want, name)
	}
	for name := range want {
		return fmt.Errorf("%s and %d others are missing", name, len(want)-1)
	}
	return nil
}

// sample takes a line apart; labels are put in the account's order. None of the labels here has escapes.
func sample(line string) (name string, value float64, err error) {
	at := strings.LastIndexByte(strings.TrimSuffix(line, "\n"), ' ')
	if at < 0 {
		return "", 0, fmt.Errorf("a line that is no sample: %q", line)
	}
	if value, err = strconv.ParseFloat(strings.TrimSuffix(line[at+1:], "\n"), 64); err != nil {
		return "", 0, fmt.Errorf("a line that is no sample: %q", line)
	}
	name, labels, has := strings.Cut(line[:at], "{")
	if !has {
		return name, value, nil
	}
	pairs := strings.Split(strings.TrimSuffix(labels, "}"), ",")
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ",") + "}", value, nil
}

func isCounted(line string) bool {
	return strings.HasPrefix(line, "http_responses_by_status_view_method_total{") || strings.HasPrefix(line, "http_request_duration_seconds_count{")
}

// counted adds up what a page has of the load's counter and of its histogram's observations, which grow with every tick.
func counted(page []byte) (total float64, err error) {
	for len(page) > 0 {
		end := bytes.IndexByte(page, '\n') + 1
		line := string(page[:end])
		page = page[end:]
		if !isCounted(line) {
			continue
		}
		value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:end-1], 64)
		if err != nil {
			return 0, err
		}
		total += value
	}
	return total, nil
}

func decompress(page []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(page))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(z)
	return plain, errors.Join(err, z.Close())
}

func (d *directory) close() error { return d.load.Close() }
