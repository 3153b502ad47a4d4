package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
)

// report prints tables.
type report struct {
	out   io.Writer
	table *tabwriter.Writer
}

func (r *report) line(cells ...string) {
	if r.table == nil {
		r.table = tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	}
	for _, c := range cells {
		fmt.Fprintf(r.table, "%s\t", c)
	}
	fmt.Fprintln(r.table)
}

func (r *report) flush() error {
	if r.table == nil {
		return nil
	}
	err := r.table.Flush()
	r.table = nil
	return err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// ratio is how many times as long the other takes.
func ratio(ours, theirs time.Duration) string {
	if ours == 0 || theirs == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", float64(theirs)/float64(ours))
}

// versus prints medians of both sides and their ratio.
func (r *report) versus(name, goal string, ours, theirs []time.Duration) {
	o, t := figures.Median(ours), figures.Median(theirs)
	python := "–"
	if len(theirs) > 0 {
		python = ms(t)
	}
	r.line(name, ms(o), python, ratio(o, t), goal)
}

func (r *report) firsts(f firsts) {
	r.line("", "ours", "Python's", "ratio", "goal")
	r.versus("first scrape, median of "+fmt.Sprint(len(f.ours)), "20", f.ours, f.theirs)
	r.versus("exec to the end of the first answer", "", f.oursWhole, f.theirsWhole)
}

func (r *report) warms(name string, w warms) {
	goal := "100"
	r.versus(fmt.Sprintf("%s, median of %d and %d", name, len(w.ours), len(w.theirs)), goal, w.ours, w.theirs)
	for _, q := range []struct {
		name string
		q    float64
	}{{"fastest", 0}, {"99 of 100 within", .99}} {
		theirs := "–"
		if len(w.theirs) > 0 {
			theirs = ms(figures.Quantile(q.q, w.theirs))
		}
		o, t := figures.Quantile(q.q, w.ours), figures.Quantile(q.q, w.theirs)
		r.line("  "+q.name, ms(o), theirs, ratio(o, t))
	}
}

func (r *report) beside(files int, b beside) {
	without, with := figures.Median(b.without), figures.Median(b.with)
	r.line(fmt.Sprintf("warm scrape beside %d files of dead workers", files), ms(with))
	r.line("  the same without them, in turns", ms(without), "", fmt.Sprintf("%.2f", float64(with)/float64(without)), "1")
}

func (r *report) memory(peaks []int64, l lasting, p *python) {
	python := "–"
	if p != nil {
		python = mb(p.peak)
	}
	r.line("resident at most, after the first scrape", mb(figures.Median(peaks)), "", "", "48 MB")
	r.line(fmt.Sprintf("resident after %d scrapes", l.early), mb(l.atEarly))
	r.line(fmt.Sprintf("resident after %d scrapes, in %v", l.scrapes, l.took.Round(time.Second)), mb(l.atEnd), "", "", "flat")
	r.line("resident at most", mb(l.max), python, "", "48 MB")
}

// benchmarks prints the results of the Go benchmarks.
func (r *report) benchmarks(found map[string]result) error {
	for _, name := range benchmarks {
		if len(found[name][nsOp]) == 0 {
			return fmt.Errorf("there is no %s any more", name)
		}
	}
	micros := func(name string) string { return fmt.Sprintf("%.0f µs", found[name].median(nsOp)/1e3) }
	r.line("a warm scrape of 416 files allocates, text", fmt.Sprintf("%.0f times", found[warmText].median(allocsOp)), fmt.Sprintf("%.0f bytes", found[warmText].median(bytesOp)))
	r.line("the same, gzip", fmt.Sprintf("%.0f times", found[warmGzip].median(allocsOp)), fmt.Sprintf("%.0f bytes", found[warmGzip].median(bytesOp)))
	for _, row := range []struct{ name, of string }{
		{"8 workers × 10,000 series: a reading round", round8},
		{"8 workers × 10,000 series: the scrape after it, text", scrape8},
	} {
		r.line(row.name, micros(row.of), fmt.Sprintf("%.0f ns a series", found[row.of].median(nsSeries)), fmt.Sprintf("%.0f allocations", found[row.of].median(allocsOp)))
	}
	for _, row := range []struct{ name, of string }{
		{"4 workers of a small service: a reading round", round4},
		{"4 workers of a small service: the first scrape after it, text", first4},
		{"4 workers of a small service: the same, protobuf", proto4},
		{"4 workers of a small service: any further scrape until the next round, text", cached4},
	} {
		r.line(row.name, micros(row.of))
	}
	return nil
}
