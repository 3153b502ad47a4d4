package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
)

// idle reads each adapter's memory when nobody has asked for anything for a while.
func (b *bench) idle(ctx context.Context, w *world, r *report) error {
	var now []int64
	for _, s := range b.sides() {
		a, err := w.start(s, w.prometheus.url, loadRules, time.Minute)
		if err != nil {
			return err
		}
		m, err := b.settled(ctx, a)
		a.stop()
		if err != nil {
			return err
		}
		now = append(now, m.now)
	}
	r.head("")
	r.bytes(fmt.Sprintf("resident, %v after the start, nobody asks", b.settle), now)
	return r.flush()
}

func (b *bench) settled(ctx context.Context, a *adapter) (resident, error) {
	if _, err := a.listed(ctx, metric); err != nil {
		return resident{}, err
	}
	select {
	case <-ctx.Done():
		return resident{}, ctx.Err()
	case <-time.After(b.settle):
	}
	return memory(a.process.PID())
}

// relists is what an adapter's rounds of discovery took.
type relists struct {
	listed     []time.Duration // exec → the metrics of all series are listed
	cpu        []time.Duration // of the adapter, for one round
	prometheus []time.Duration // its answer to one round, until the adapter has read it
	peak       []int64
}

// relistEvery is how often the rounds come that are counted: without a pause both would be measured in each other's way.
const relistEvery = 2 * time.Second

// relist measures discovery with many series.
func (b *bench) relist(ctx context.Context, w *world) error {
	sides := b.sides()
	of := make([]relists, len(sides))
	for range max(1, b.turns-2) {
		for i, s := range sides {
			if err := b.relistOnce(ctx, w, s, &of[i]); err != nil {
				return err
			}
		}
	}
	r := &report{out: os.Stdout, sides: sides}
	r.head(fmt.Sprintf("relist of %d series in %d metrics", b.series, families))
	column := func(pick func(relists) []time.Duration) (medians []time.Duration) {
		for _, one := range of {
			medians = append(medians, figures.Median(pick(one)))
		}
		return medians
	}
	r.durations("exec → listed", column(func(r relists) []time.Duration { return r.listed }))
	r.durations("CPU of the adapter for a round", column(func(r relists) []time.Duration { return r.cpu }))
	r.durations("Prometheus' time for a round", column(func(r relists) []time.Duration { return r.prometheus }))
	var peaks []int64
	for _, one := range of {
		peaks = append(peaks, figures.Quantile(1, one.peak))
	}
	r.bytes("resident at most", peaks)
	return r.flush()
}

// relistOnce starts an adapter and watches some rounds after the first.
func (b *bench) relistOnce(ctx context.Context, w *world, s side, to *relists) error {
	a, err := w.start(s, w.prometheus.url, relistRules, relistEvery)
	if err != nil {
		return err
	}
	defer a.stop()
	listed, err := a.listed(ctx, relistMetric)
	if err != nil {
		return err
	}
	before, err := w.prometheus.handled(ctx, "/api/v1/series")
	if err != nil {
		return err
	}
	cpuBefore, err := cpu(a.process.PID())
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(b.relists) * relistEvery):
	}
	after, err := w.prometheus.handled(ctx, "/api/v1/series")
	if err != nil {
		return err
	}
	cpuAfter, err := cpu(a.process.PID())
	if err != nil {
		return err
	}
	m, err := memory(a.process.PID())
	if err != nil {
		return err
	}
	rounds := after.since(before)
	if rounds.requests == 0 {
		return fmt.Errorf("%s: no relist in %v", s.name, time.Duration(b.relists)*relistEvery)
	}
	to.listed = append(to.listed, listed)
	to.cpu = append(to.cpu, (cpuAfter-cpuBefore)/time.Duration(rounds.requests))
	to.prometheus = append(to.prometheus, rounds.took/time.Duration(rounds.requests))
	to.peak = append(to.peak, m.peak)
	return nil
}
