package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
	"github.com/truecount/truecount/bench/internal/up"
)

// The queries see what the autoscaler's own sees: the replicas' series in the database. At rest that is one replica, which
// has counted every click.
const (
	counter = "demo_app_button_clicks_total"
	stored  = `sum(` + counter + `{service="clicks"})`
	rate    = `sum(rate(` + counter + `{service="clicks"}[5s]))`
)

// every is how often the chain is looked at: the resolution of each step. There is one look at a time, at the step that
// comes next, so that looking is not what is measured.
const every = 10 * time.Millisecond

// steps are what a click goes through, in this order.
var steps = [...]string{
	"click acknowledged",
	"visible in the merged count",
	"scraped and stored",
	"decided: replicas wanted changed",
	"new replica ready",
}

// decided is the index of the step with which the number of replicas is another.
const decided = 3

// trial has the time that each step took.
type trial [len(steps)]time.Duration

func (t trial) total() time.Duration { return figures.Sum(t[:]) }

// rest waits until one replica is left, nothing drains, and the rate is 0.
func rest(ctx context.Context, u *up.Up) error {
	_, err := up.Await(ctx, 100*time.Millisecond, "one replica at rest", func() (bool, error) {
		a, err := u.Application(ctx, "clicks")
		if err != nil {
			return false, err
		}
		if s := a.Strip.Scale; s.Wanted != 1 || s.Ready != 1 || len(a.Replicas) != 1 {
			return false, nil
		}
		perSecond, found, err := u.Query(ctx, rate)
		return found && perSecond == 0, err
	})
	return err
}

// click hits the button and follows it down the chain. It looks where nothing is kept back: at the merged metrics
// themselves, the database, and truecount's own metrics; the page's JSON may be a moment old.
func click(ctx context.Context, u *up.Up) (t trial, err error) {
	exposed := func(path, name, label string, more float64) func() (bool, error) {
		return func() (bool, error) {
			value, err := u.Exposed(ctx, path, name, label)
			return value > more, err
		}
	}
	const merged, own, ours = "/services/default/clicks/metrics", "/metrics", `application="clicks"`
	before, err := u.Exposed(ctx, merged, counter, "")
	if err != nil {
		return t, err
	}
	last := time.Now()
	if err := u.Click(ctx); err != nil {
		return t, err
	}
	now := time.Now()
	t[0], last = now.Sub(last), now
	for i, holds := range []func() (bool, error){
		exposed(merged, counter, "", before),
		func() (bool, error) {
			value, found, err := u.Query(ctx, stored)
			return found && value > before, err
		},
		exposed(own, "truecount_scale_desired_replicas", ours, 1),
		exposed(own, "truecount_supervise_replicas_ready", ours, 1),
	} {
		seen, err := up.Await(ctx, every, steps[i+1], holds)
		if err != nil {
			return t, err
		}
		t[i+1], last = seen.Sub(last), seen
	}
	return t, nil
}

// report prints each step's median, spread and share of the whole time of all clicks, so that the shares add up.
func report(out io.Writer, trials []trial) error {
	column := func(of func(trial) time.Duration) (values []time.Duration) {
		for _, t := range trials {
			values = append(values, of(t))
		}
		return values
	}
	whole := figures.Sum(column(trial.total))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "step\tmedian\tfastest\t9 of 10 within\tshare")
	line := func(name string, values []time.Duration) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, figures.Millis(figures.Median(values)), figures.Millis(figures.Quantile(0, values)),
			figures.Millis(figures.Quantile(0.9, values)), figures.Percent(figures.Sum(values), whole))
	}
	for i, name := range steps {
		line(name, column(func(t trial) time.Duration { return t[i] }))
	}
	line("click → replicas wanted changed", column(func(t trial) time.Duration { return figures.Sum(t[:decided+1]) }))
	line("click → another replica serves", column(trial.total))
	return table.Flush()
}
