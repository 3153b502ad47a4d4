package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
	"github.com/truecount/truecount/bench/internal/machine"
)

// report prints tables: a column for each side, the peer first, and how many times as much it takes.
type report struct {
	out   io.Writer
	sides []side
	table *tabwriter.Writer
}

func (r *report) head(title string) {
	r.table = tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(r.table, "\n%s", title)
	for _, s := range r.sides {
		fmt.Fprintf(r.table, "\t%s", s.name)
	}
	fmt.Fprintln(r.table, "\tratio")
}

func (r *report) flush() error { return r.table.Flush() }

func (r *report) line(name string, cells []string, ratio string) {
	fmt.Fprint(r.table, name)
	for _, cell := range cells {
		fmt.Fprintf(r.table, "\t%s", cell)
	}
	fmt.Fprintf(r.table, "\t%s\n", ratio)
}

// load prints what the turns of each side were.
func (r *report) load(l load, turns [][]turn) {
	r.head(fmt.Sprintf("%s, %d client(s), load %s", l.name, l.clients, machine.Load()))
	each := func(pick func(turn) time.Duration) (medians []time.Duration) {
		for _, of := range turns {
			var values []time.Duration
			for _, t := range of {
				values = append(values, pick(t))
			}
			medians = append(medians, figures.Median(values))
		}
		return medians
	}
	quantile := func(q float64) []time.Duration {
		return each(func(t turn) time.Duration { return figures.Quantile(q, t.latencies) })
	}
	r.latencies("p50", quantile(.5))
	r.latencies("p99", quantile(.99))
	r.rates("requests a second", each(func(t turn) time.Duration { return t.took / time.Duration(max(1, len(t.latencies))) }))
	r.durations("CPU for a request", each(func(t turn) time.Duration { return t.cpu / t.requests() }))
	r.durations("kube-apiserver's CPU for it", each(func(t turn) time.Duration { return t.api / t.requests() }))
	if !l.remembered {
		r.durations("Prometheus' time for a query", each(func(t turn) time.Duration {
			return t.prometheus.took / time.Duration(max(1, t.prometheus.requests))
		}))
	}
	var peaks []int64
	var requests, timeouts, queries, sizes []string
	failed := false
	for _, of := range turns {
		var peak int64
		var sent, unanswered, asked int
		for _, t := range of {
			peak = max(peak, t.peak)
			sent, asked = sent+int(t.requests()), asked+t.prometheus.requests
			unanswered += t.timeouts
		}
		failed = failed || unanswered > 0
		timeouts = append(timeouts, fmt.Sprint(unanswered))
		peaks = append(peaks, peak)
		requests, queries = append(requests, fmt.Sprint(sent)), append(queries, fmt.Sprint(asked))
		sizes = append(sizes, fmt.Sprintf("%.2f MB", float64(of[len(of)-1].bytes)/1e6))
	}
	r.bytes("resident at most", peaks)
	r.line("requests", requests, "")
	if failed {
		r.line("answered with 504 after a minute", timeouts, "")
	}
	if !l.remembered {
		r.line("queries", queries, "")
	}
	if l.pods > 1 {
		r.line("an answer", sizes, "")
	}
}

func (r *report) durations(name string, values []time.Duration) {
	var cells []string
	for _, v := range values {
		cells = append(cells, millis(v))
	}
	r.line(name, cells, ratio(values))
}

// latencies has no figure for a side of which nothing was answered.
func (r *report) latencies(name string, values []time.Duration) {
	var cells []string
	for _, v := range values {
		if v == 0 {
			cells = append(cells, "–")
		} else {
			cells = append(cells, millis(v))
		}
	}
	r.line(name, cells, ratio(values))
}

func (r *report) rates(name string, perRequest []time.Duration) {
	var cells []string
	for _, v := range perRequest {
		cells = append(cells, fmt.Sprintf("%.4g", float64(time.Second)/float64(v)))
	}
	r.line(name, cells, ratio(perRequest))
}

func (r *report) bytes(name string, values []int64) {
	var cells []string
	for _, v := range values {
		cells = append(cells, fmt.Sprintf("%.0f MB", float64(v)/1e6))
	}
	r.line(name, cells, ratio(values))
}

// millis writes three digits: the fastest answers take a fraction of a millisecond, the slowest are seconds.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms >= 100 {
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.3g ms", ms)
}

// ratio is how many times as much the first takes as the last.
func ratio[N figures.Number](values []N) string {
	if len(values) < 2 || values[0] == 0 || values[len(values)-1] == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(values[0])/float64(values[len(values)-1]))
}
