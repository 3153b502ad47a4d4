// Command chain measures how long a click takes until the number of replicas has changed, and where the time goes: the
// click is acknowledged, the merger has read it, it is scraped and stored, the autoscaler has decided, the new replica
// is ready. It runs `truecount up -f clicks.yaml` as a user would and looks at it over HTTP only.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/machine"
	"github.com/truecount/truecount/bench/internal/up"
)

func main() {
	program := flag.String("truecount", "", "path of the built binary")
	file := flag.String("file", "bench/chain/clicks.yaml", "application file")
	starts := flag.Int("starts", 5, "how often truecount is started")
	clicks := flag.Int("clicks", 4, "clicks to measure in each start")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *file, *starts, *clicks); err != nil {
		fmt.Fprintln(os.Stderr, "bench/chain:", err)
		os.Exit(1)
	}
}

// run starts truecount several times: how long after a scrape the autoscaler decides is settled by when each of the two
// clocks began, and stays the same until the end.
func run(ctx context.Context, program, file string, starts, clicks int) error {
	var measured []trial
	for range starts {
		trials, err := chain(ctx, program, file, clicks)
		if err != nil {
			return err
		}
		measured = append(measured, trials...)
	}
	fmt.Printf("click → replicas changed, windows of 5 s; %d clicks, %d in each of %d starts; load %s\n", len(measured), clicks, starts, machine.Load())
	return report(os.Stdout, measured)
}

// chain starts truecount, clicks and stops it.
func chain(ctx context.Context, program, file string, clicks int) (measured []trial, err error) {
	dir, err := os.MkdirTemp("", "truecount-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if file, err = onFreePort(file, dir); err != nil {
		return nil, err
	}
	u, err := up.Start(ctx, up.Options{
		Command: []string{program, "up", "-f", file, "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data")},
		Dir:     dir,
		Env:     []string{"PATH=" + filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH")},
		Await:   "clicks",
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopped := u.Stop(); err == nil {
			err = stopped
		}
	}()
	for range clicks {
		t, err := measure(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("%w; the log of truecount ends:\n%s", err, u.LogTail())
		}
		measured = append(measured, t)
	}
	return measured, nil
}

// measure waits for rest and clicks once, at a moment that has nothing to do with the chain's own clocks.
func measure(ctx context.Context, u *up.Up) (trial, error) {
	if err := rest(ctx, u); err != nil {
		return trial{}, err
	}
	select {
	case <-ctx.Done():
		return trial{}, ctx.Err()
	case <-time.After(rand.N(time.Second)):
	}
	return click(ctx, u)
}

// onFreePort copies the application file into dir with another port: a demo that runs already stays undisturbed.
func onFreePort(file, dir string) (copied string, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	const usual = "\n  port: 8000\n"
	if strings.Count(string(content), usual) != 1 {
		return "", fmt.Errorf("%s: want one line %q", file, strings.Trim(usual, "\n"))
	}
	port, err := up.FreePort()
	if err != nil {
		return "", err
	}
	copied = filepath.Join(dir, filepath.Base(file))
	return copied, os.WriteFile(copied, []byte(strings.Replace(string(content), usual, fmt.Sprintf("\n  port: %d\n", port), 1)), 0o600)
}
