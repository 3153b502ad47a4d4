// Command adapter measures what the custom metrics of thousands of pods cost, with truecount-adapter and with
// prometheus-adapter 0.12.0 beside it: same machine, same run, same Prometheus, same rules, same API server.
//
// Nothing is played: etcd and kube-apiserver run with thousands of pods of 12 kB, Prometheus with a series for each of
// them, and requests arrive as the aggregation layer sends them, over TLS with its client certificate and the autoscaler's
// name in X-Remote-User, which both adapters verify with the API server. Only kubelets are missing: the pods say that they
// run.
//
// Every pod's counter grows at a speed of its own, so that every value of an answer tells whose it is. The answers of both
// are compared with what was written, value by value.
//
// The two take turns. What is printed is medians of turns, and how many times as much the peer takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/machine"
)

// bench is one run.
type bench struct {
	kubeone    string // the program with the control plane
	prometheus string
	ours, peer string // the adapters
	dir        string

	large, small int // pods in the two namespaces
	turns        int // of each adapter in each load
	most         int // requests in a turn at most
	atLeast      time.Duration
	settle       time.Duration // before idle memory is read
	series       int           // of the relist
	relists      int           // for each adapter
	only         string        // what the names of all that is measured begin with
	profile      string        // a directory for profiles
}

func main() {
	b := &bench{}
	flag.StringVar(&b.kubeone, "kubeone", "", "the program of test/controlplane/kubeone")
	flag.StringVar(&b.prometheus, "prometheus", "prometheus", "the Prometheus server")
	flag.StringVar(&b.ours, "adapter", "", "truecount-adapter; \"none\" measures the peer alone")
	flag.StringVar(&b.peer, "peer", "", "prometheus-adapter; \"none\" measures ours alone")
	flag.IntVar(&b.large, "large", 5000, "pods in the large namespace")
	flag.IntVar(&b.small, "small", 1000, "pods in the small namespace")
	flag.IntVar(&b.turns, "turns", 5, "turns of each adapter in each load")
	flag.IntVar(&b.most, "most", 400, "requests of a turn, at most")
	flag.DurationVar(&b.atLeast, "at-least", 3*time.Second, "a turn sends requests for this long, unless it has sent the most")
	flag.DurationVar(&b.settle, "settle", 20*time.Second, "how long an adapter runs without requests before its memory is read")
	flag.IntVar(&b.series, "series", 100_000, "series of the relist")
	flag.IntVar(&b.relists, "relists", 5, "relists to measure of each adapter")
	flag.StringVar(&b.only, "only", "", "measure only what has a name that begins with this: idle, relist, or a load's")
	flag.StringVar(&b.profile, "profile", "", "`DIRECTORY` for CPU and heap profiles of each load; what was profiled is no figure to quote")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/scale/adapter:", err)
		os.Exit(1)
	}
}

// sides are the adapters that are measured, the peer first.
func (b *bench) sides() (sides []side) {
	if b.peer != "none" {
		sides = append(sides, side{name: "prometheus-adapter 0.12.0", program: b.peer})
	}
	if b.ours != "none" {
		sides = append(sides, side{name: "truecount-adapter", program: b.ours})
	}
	return sides
}

// wants says whether what has the name is to be measured.
func (b *bench) wants(name string) bool { return strings.HasPrefix(name, b.only) }

// run sets up what the adapters stand between, and measures.
func (b *bench) run(ctx context.Context) (err error) {
	for _, program := range []*string{&b.kubeone, &b.prometheus, &b.ours, &b.peer} {
		if *program == "none" {
			continue
		}
		if *program, err = exec.LookPath(*program); err != nil {
			return fmt.Errorf("%w (scripts/tools.sh installs Prometheus; bench/run scale builds the rest)", err)
		}
		if *program, err = filepath.Abs(*program); err != nil {
			return err
		}
	}
	if b.dir, err = os.MkdirTemp("", "truecount-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)

	began := time.Now()
	fmt.Fprintf(os.Stderr, "starting etcd and kube-apiserver, creating %d pods …\n", b.large+b.small)
	c, err := startCluster(ctx, b.kubeone, filepath.Join(b.dir, "cluster"))
	if err != nil {
		return err
	}
	defer c.stop()
	namespaces := []population{{"large", b.large}, {"small", b.small}}
	if err := c.populate(ctx, namespaces); err != nil {
		return errors.Join(err, c.ended())
	}
	fmt.Fprintln(os.Stderr, "writing what Prometheus knows …")
	p, err := startPrometheus(ctx, b.prometheus, filepath.Join(b.dir, "prometheus"), namespaces, b.series)
	if err != nil {
		return err
	}
	defer p.stop()
	size, err := c.podSize(ctx, namespaces[0].namespace)
	if err != nil {
		return err
	}
	fmt.Printf("%d + %d running pods of %.1f kB (JSON), %s with a series for each and %d others; set up in %v\n",
		b.large, b.small, float64(size)/1e3, p.version(ctx), b.series, time.Since(began).Round(time.Second))
	w := &world{cluster: c, prometheus: p, dir: b.dir, profiling: b.profile != ""}
	if err := b.loads(ctx, w); err != nil {
		return errors.Join(err, c.ended())
	}
	if b.wants("relist") {
		if err := b.relist(ctx, w); err != nil {
			return errors.Join(err, c.ended())
		}
	}
	fmt.Printf("load %s; the whole run took %v\n", machine.Load(), time.Since(began).Round(time.Second))
	return nil
}
