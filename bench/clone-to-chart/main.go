// Command clone-to-chart measures what a new user waits for on a machine that never built this: git clone, the first
// `go run ./cmd/truecount up` with an empty build cache, and the first two samples of a chart. The modules are in the
// module cache already, so that the network, which says nothing about the program, is left out. It takes minutes.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/machine"
	"github.com/truecount/truecount/bench/internal/up"
)

func main() {
	repository := flag.String("repository", ".", "what is cloned: what is committed there is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *repository); err != nil {
		fmt.Fprintln(os.Stderr, "bench/clone-to-chart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, repository string) (err error) {
	dir, err := os.MkdirTemp("", "truecount-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	before := machine.Load()
	clone, cache := filepath.Join(dir, "truecount"), filepath.Join(dir, "cache")
	started := time.Now()
	// --no-local copies over git's own protocol, as from elsewhere, instead of linking files.
	git := exec.CommandContext(ctx, "git", "clone", "--quiet", "--no-local", repository, clone)
	git.Stderr = os.Stderr
	if err := git.Run(); err != nil {
		return fmt.Errorf("git clone: %w", err)
	}
	cloned := time.Since(started)

	u, err := up.Start(ctx, up.Options{
		Command: []string{"go", "run", "./cmd/truecount", "up", "--listen", "127.0.0.1:0"},
		Dir:     clone,
		Env:     []string{"GOCACHE=" + cache},
		Await:   "clicks",
	})
	if err != nil {
		return err
	}
	defer func() {
		// `go run` passes on that its program was interrupted as a failure of its own.
		if stopped := u.Stop(); err == nil && u.URL == "" {
			err = stopped
		}
	}()
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	chart, err := up.Await(ctx, 10*time.Millisecond, "a chart", func() (bool, error) {
		n, err := up.Samples(ctx, client, u.URL, "demo_app_button_clicks_total")
		return n >= 2, err
	})
	if err != nil {
		return err
	}
	fmt.Printf("clone → first chart, build cache empty, module cache warm; load before %s, after %s\n", before, machine.Load())
	fmt.Printf("git clone                          %v\n", cloned.Round(10*time.Millisecond))
	fmt.Printf("go run ./cmd/truecount up → ready   %v (the build is nearly all of it)\n", u.ReadyAfter.Round(100*time.Millisecond))
	fmt.Printf("ready → first chart                %v\n", chart.Sub(u.Started.Add(u.ReadyAfter)).Round(10*time.Millisecond))
	fmt.Printf("whole                              %v\n", chart.Sub(started).Round(100*time.Millisecond))
	return nil
}
