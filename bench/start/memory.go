package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
	"github.com/truecount/truecount/bench/internal/machine"
	"github.com/truecount/truecount/bench/internal/up"
)

// measureMemory reads the chain's memory at idle with one replica of each demo, and with ten of clicks.
func measureMemory(ctx context.Context, u *up.Up, peer, data string, settle time.Duration) error {
	if _, err := os.Stat("/proc/self/smaps_rollup"); err != nil {
		fmt.Println("memory: not measured, this system has no /proc/PID/smaps_rollup")
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "at idle\tprocesses\tRSS\tPSS")
	line := func(name string, of usage) {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", name, of.processes, figures.MiB(of.RSS), figures.MiB(of.PSS))
	}
	lines := func(replicas string, of chainUsage) {
		line(replicas+": truecount", of.truecount)
		line(replicas+": workers", of.workers)
		whole := of.truecount
		whole.add(of.workers)
		line(replicas+": the whole chain", whole)
	}
	if err := wait(ctx, settle); err != nil {
		return err
	}
	one, err := usageOfTree(u.PID())
	if err != nil {
		return err
	}
	lines("1 replica of clicks", one)
	if peer != "" {
		err := withPeer(ctx, peer, data, func(p *prometheus) error {
			if err := wait(ctx, settle); err != nil {
				return err
			}
			alone, err := usageOf(p.cmd.Process.Pid)
			line("Prometheus alone, same targets", alone)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := scaleToTen(ctx, u); err != nil {
		return err
	}
	if err := wait(ctx, settle); err != nil {
		return err
	}
	ten, err := usageOfTree(u.PID())
	if err != nil {
		return err
	}
	lines("10 replicas of clicks", ten)
	fmt.Printf("memory %v after the start or the last scaling, load %s\n", settle, machine.Load())
	return table.Flush()
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// scaleToTen clicks as the tutorial's burst does; the rate's window of two minutes keeps the replicas meanwhile.
func scaleToTen(ctx context.Context, u *up.Up) error {
	for range 60 {
		if err := u.Click(ctx); err != nil {
			return err
		}
	}
	_, err := up.Await(ctx, 100*time.Millisecond, "ten replicas", func() (bool, error) {
		a, err := u.Application(ctx, "clicks")
		return err == nil && a.Strip.Scale.Ready == 10, err
	})
	return err
}
