// Command start measures the first seconds of `truecount up`, the demos and all: from exec to the line "ready:", to the
// first two samples that a chart can draw a line through, and what memory the whole chain takes with one and with ten
// replicas. Beside it stands Debian's Prometheus, if installed, started on the very configuration that `up` wrote and
// scraping the same targets: a server alone, without workers, merge, pages or autoscaler.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/up"
)

func main() {
	program := flag.String("truecount", "", "path of the built binary")
	trials := flag.Int("trials", 10, "starts to measure")
	settle := flag.Duration("settle", 20*time.Second, "how long a chain runs before its memory is read")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *trials, *settle); err != nil {
		fmt.Fprintln(os.Stderr, "bench/start:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program string, trials int, settle time.Duration) error {
	peer, err := exec.LookPath("prometheus")
	if err != nil {
		fmt.Println("prometheus is not installed (scripts/tools.sh does it): measured without it")
	}
	var ours, theirs []start
	for range trials {
		err := withUp(ctx, program, func(u *up.Up, data string) error {
			s, err := ourStart(ctx, u)
			if err != nil {
				return err
			}
			ours = append(ours, s)
			if peer == "" {
				return nil
			}
			return withPeer(ctx, peer, data, func(p *prometheus) error {
				s, err := p.start(ctx)
				theirs = append(theirs, s)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	if err := reportStarts(os.Stdout, ours, theirs); err != nil {
		return err
	}
	fmt.Println()
	return withUp(ctx, program, func(u *up.Up, data string) error { return measureMemory(ctx, u, peer, data, settle) })
}

// withUp runs the demos without traffic in a fresh directory.
func withUp(ctx context.Context, program string, do func(u *up.Up, data string) error) error {
	dir, err := os.MkdirTemp("", "truecount-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	u, err := up.Start(ctx, up.Options{
		Command: []string{program, "up", "--listen", "127.0.0.1:0", "--traffic", "0", "--data", data},
		Dir:     dir,
		Await:   "clicks",
	})
	if err != nil {
		return err
	}
	err = do(u, data)
	if stopped := u.Stop(); err == nil {
		err = stopped
	}
	return err
}
