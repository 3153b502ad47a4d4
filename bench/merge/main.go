// Command merge measures what a merged scrape costs, and prints it beside what Python's own multiprocess merge of the same
// directory takes in the same run.
//
// The directory is one of a busy service: 32 workers with 8,700 series together, written by internal/merge/pydir/pydirtest
// as Python's client writes it, of the generation that the installed client reads. A live writer changes one value in
// every file between any two scrapes, through its mapping, so that neither a file's size nor its modification time tells;
// every answer, ours and Python's, is compared with an account that the writer keeps: its total, and of many of them every
// sample.
//
// Ours is timed at the scraper: over HTTP from a process of truecount-sidecar, until the last byte is there. Python's is
// timed inside its process: MultiProcessCollector, generate_latest, and gzip as its WSGI application does it; HTTP is not
// in it. The two take turns.
//
// Merging workers that serve their metrics themselves, and what a scrape allocates, are measured by benchmarks of
// internal/merge and internal/merge/pydir, which this runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/machine"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// bench is one run.
type bench struct {
	sidecar     string        // the program
	interpreter string        // Python with the client, or ""
	script      string        // the peer
	dir         string        // for directories
	workers     int           // of the service
	dead        int           // files of dead workers
	turns       int           // of each side
	scrapes     int           // in the lasting run
	atMost      time.Duration // for the lasting run
	benchtime   string        // of the Go benchmarks; "" leaves them out
	out         io.Writer     // of the tables
	totals      int           // answers whose total was compared with the writer's account
	pages       int           // of which every sample was
}

func main() {
	b := bench{out: os.Stdout}
	flag.StringVar(&b.sidecar, "sidecar", "", "truecount-sidecar; built if it is not given")
	flag.StringVar(&b.interpreter, "python", "", "the Python that has the client; found if it is not given, \"none\" measures without")
	flag.StringVar(&b.script, "script", "bench/merge/multiprocess.py", "the script for Python's client")
	flag.StringVar(&b.dir, "dir", memoryOr(os.TempDir()), "where directories are laid; in memory, as in a pod, if there is /dev/shm")
	flag.IntVar(&b.workers, "workers", 32, "workers of the service")
	flag.IntVar(&b.dead, "dead", 10_000, "files of dead workers")
	flag.IntVar(&b.turns, "turns", 15, "turns of each side")
	flag.IntVar(&b.scrapes, "scrapes", 10_000, "scrapes over which memory is watched")
	flag.DurationVar(&b.atMost, "at-most", 90*time.Second, "`TIME` after which that ends, however many were done")
	flag.StringVar(&b.benchtime, "benchtime", "1s", "of the Go benchmarks, as go test's")
	flag.Parse()
	// The account of 257,632 values makes garbage. To collect it takes both cores, and is not to be done beside a scrape.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/merge:", err)
		os.Exit(1)
	}
}

// memoryOr returns the usual file system in memory, if there is one.
func memoryOr(other string) string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return other
}

// run measures everything and prints it.
func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp(b.dir, "truecount-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.sidecar == "" {
		b.sidecar = filepath.Join(b.dir, "truecount-sidecar")
		if err := build(ctx, b.sidecar); err != nil {
			return err
		}
	}
	switch b.interpreter {
	case "none":
		b.interpreter = ""
	case "":
		if b.interpreter = withClient(ctx); b.interpreter == "" {
			fmt.Fprintln(b.out, "python's prometheus_client is not installed (scripts/tools.sh does it): measured without it")
		}
	}
	r := &report{out: b.out}
	if err := b.directories(ctx, r); err != nil {
		return err
	}
	if b.benchtime != "" {
		if err := b.benchmarks(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// build builds the sidecar.
func build(ctx context.Context, program string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/truecount/truecount/cmd/truecount-sidecar").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// directories measures the merge of Python's directory.
func (b *bench) directories(ctx context.Context, r *report) error {
	generation := pydirtest.Since018
	var peer *python
	if b.interpreter != "" {
		// Which client it is must be known before the files are written; until it is asked it does not look at the directory.
		var err error
		if peer, err = startPython(ctx, b.interpreter, b.script, filepath.Join(b.dir, "live")); err != nil {
			return err
		}
		defer peer.stop()
		generation = peer.generation
	}
	d, err := layDirectory(filepath.Join(b.dir, "live"), b.workers, 0, generation)
	if err != nil {
		return err
	}
	defer d.close()
	fmt.Fprintf(b.out, "Python's directory: %d workers, %d files of generation %q, %d entries, %.1f MB in use, in %s\n",
		b.workers, d.load.Files(), generation, d.load.Entries(), float64(d.load.Bytes())/1e6, filepath.Dir(b.dir))
	if peer != nil {
		fmt.Fprintln(b.out, "beside it:", peer.name)
	}
	first, err := b.firstScrapes(ctx, d)
	if err != nil {
		return err
	}
	s, err := startSidecar(ctx, b.sidecar, d.path)
	if err != nil {
		return err
	}
	err = b.live(ctx, r, s, peer, d, first)
	if e := s.stop(); err == nil {
		err = e
	}
	return err
}

// live measures a sidecar that runs.
func (b *bench) live(ctx context.Context, r *report, s *sidecar, peer *python, d *directory, first firsts) error {
	text, err := b.warmScrapes(s, peer, d, false)
	if err != nil {
		return err
	}
	compressed, err := b.warmScrapes(s, peer, d, true)
	if err != nil {
		return err
	}
	dead, err := b.withDead(ctx, s, d)
	if err != nil {
		return err
	}
	lasted, err := b.last(s, d)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d answers were compared with the writer's account, %d of them sample by sample; load %s\n\n", b.totals, b.pages, machine.Load())
	r.firsts(first)
	r.warms("warm scrape", text)
	r.warms("warm scrape, gzip", compressed)
	r.beside(b.dead, dead)
	r.memory(first.peaks, lasted, peer)
	return r.flush()
}

// withDead measures the same service with files of dead workers beside those of the living.
func (b *bench) withDead(ctx context.Context, s *sidecar, d *directory) (r beside, err error) {
	d2, err := layDirectory(filepath.Join(b.dir, "dead"), b.workers, b.dead, d.generation)
	if err != nil {
		return r, err
	}
	defer d2.close()
	s2, err := startSidecar(ctx, b.sidecar, d2.path)
	if err != nil {
		return r, err
	}
	r, err = b.deadBeside(s, d, s2, d2)
	if e := s2.stop(); err == nil {
		err = e
	}
	return r, err
}

// benchmarks runs the Go benchmarks that complete the picture.
func (b *bench) benchmarks(ctx context.Context, r *report) error {
	found := map[string]result{}
	for _, pkg := range []string{"./internal/merge", "./internal/merge/pydir"} {
		out, err := exec.CommandContext(ctx, "go", "test", pkg, "-run", "^$", "-bench", strings.Join(names, "|"), "-benchmem", "-benchtime", b.benchtime, "-count", "3").CombinedOutput()
		if err != nil {
			return fmt.Errorf("go test %s: %w\n%s", pkg, err, out)
		}
		if err := parse(string(out), found); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "\nGo benchmarks, median of 3, load %s\n\n", machine.Load())
	if err := r.benchmarks(found); err != nil {
		return err
	}
	return r.flush()
}
