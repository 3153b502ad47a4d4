package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is a kind of request, and how many clients send it.
type load struct {
	name      string
	namespace string
	path      string // after the namespace
	first     int    // number of the first pod in the answer
	pods      int    // in the answer
	clients   int
	// remembered: Prometheus' answers are, so that they take no time.
	remembered bool
}

// loads are measured from the small ones to the large ones.
func (b *bench) allLoads() (all []load) {
	add := func(name, namespace, path string, first, pods int) {
		for _, clients := range []int{1, 8} {
			all = append(all, load{name, namespace, path, first, pods, clients, false})
		}
	}
	one := b.large / 2
	chosenBy := func(label, value string) string {
		return "pods/*/" + metric + "?labelSelector=" + url.QueryEscape(label+"="+value)
	}
	add("1 pod by name", "large", "pods/"+podName(one)+"/"+metric, one, 1)
	add(fmt.Sprintf("1 pod of %d by a label", b.large), "large", chosenBy(podLabel, podName(one)), one, 1)
	add(fmt.Sprintf("%d pods", b.small), "small", chosenBy(workloadLabel, workload), 0, b.small)
	add(fmt.Sprintf("%d pods", b.large), "large", chosenBy(workloadLabel, workload), 0, b.large)
	return append(all, load{fmt.Sprintf("%d pods, Prometheus answering at once", b.large), "large", chosenBy(workloadLabel, workload), 0, b.large, 1, true})
}

func (l load) url() string {
	return "/apis/custom.metrics.k8s.io/v1beta1/namespaces/" + l.namespace + "/" + l.path
}

// turn is what one adapter did in one turn.
type turn struct {
	latencies  []time.Duration // of the requests that were answered
	timeouts   int             // requests that were not
	took       time.Duration
	cpu        time.Duration // of the adapter
	api        time.Duration // of kube-apiserver
	prometheus handled       // queries
	peak       int64         // resident memory
	bytes      int           // of an answer
}

// requests are all that were sent; at least one, so that it can be divided by.
func (t turn) requests() time.Duration { return time.Duration(max(1, len(t.latencies)+t.timeouts)) }

// take sends requests for a while and watches what they cost. Every answer is looked at, the last one pod by pod.
func (b *bench) take(ctx context.Context, w *world, a *adapter, l load) (t turn, err error) {
	pid, api := a.process.PID(), w.cluster.api.PID()
	if err := forgetPeak(pid); err != nil {
		return t, err
	}
	cpuBefore, err := cpu(pid)
	if err != nil {
		return t, err
	}
	apiBefore, err := cpu(api)
	if err != nil {
		return t, err
	}
	queriesBefore, err := w.prometheus.handled(ctx, "/api/v1/query")
	if err != nil {
		return t, err
	}
	began := time.Now()
	last, err := b.send(ctx, a, l, &t)
	if err != nil {
		return t, fmt.Errorf("%s, %s: %w", a.name, l.name, err)
	}
	t.took, t.bytes = time.Since(began), len(last)
	queries, err := w.prometheus.handled(ctx, "/api/v1/query")
	if err != nil {
		return t, err
	}
	t.prometheus = queries.since(queriesBefore)
	cpuAfter, err := cpu(pid)
	if err != nil {
		return t, err
	}
	apiAfter, err := cpu(api)
	if err != nil {
		return t, err
	}
	t.cpu, t.api = cpuAfter-cpuBefore, apiAfter-apiBefore
	m, err := memory(pid)
	if err != nil {
		return t, err
	}
	t.peak = m.peak
	if last == nil {
		return t, nil // nothing was answered
	}
	if err := check(last, l.namespace, l.first, l.pods); err != nil {
		return t, fmt.Errorf("%s, %s: %w", a.name, l.name, err)
	}
	return t, nil
}

// send lets the clients send one request after the other, and returns the last answer; none, if all timed out.
func (b *bench) send(ctx context.Context, a *adapter, l load, t *turn) ([]byte, error) {
	group, ctx := errgroup.WithContext(ctx)
	clients := make([]client, l.clients)
	var sent atomic.Int64
	until := time.Now().Add(b.atLeast)
	for i := range clients {
		group.Go(func() error {
			for n := 0; n == 0 || (time.Now().Before(until) && sent.Load() < int64(b.most)); n++ {
				sent.Add(1)
				if err := clients[i].ask(ctx, a, l); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var last []byte
	for _, c := range clients {
		t.latencies = append(t.latencies, c.latencies...)
		t.timeouts += c.timeouts
		if c.last != nil {
			last = c.last
		}
	}
	return last, nil
}

// client is one of those that ask at the same time.
type client struct {
	latencies []time.Duration
	timeouts  int
	last      []byte
}

func (c *client) ask(ctx context.Context, a *adapter, l load) error {
	began := time.Now()
	body, err := a.front.get(ctx, l.url())
	if errors.Is(err, errTimeout) {
		c.timeouts++
		return nil
	}
	if err != nil {
		return err
	}
	c.latencies = append(c.latencies, time.Since(began))
	if values := bytes.Count(body, []byte(`"describedObject"`)); values != l.pods {
		return fmt.Errorf("an answer has %d values, not %d", values, l.pods)
	}
	c.last = body
	return nil
}

// loads measures every load, with adapters that were started for it.
func (b *bench) loads(ctx context.Context, w *world) error {
	r := &report{out: os.Stdout, sides: b.sides()}
	if b.wants("idle") {
		if err := b.idle(ctx, w, r); err != nil {
			return err
		}
	}
	for _, l := range b.allLoads() {
		if !b.wants(l.name) {
			continue
		}
		turns, err := b.load(ctx, w, l)
		if err != nil {
			return err
		}
		r.load(l, turns)
		if err := r.flush(); err != nil {
			return err
		}
	}
	return nil
}

// load returns the turns of each side.
func (b *bench) load(ctx context.Context, w *world, l load) (_ [][]turn, err error) {
	var running []*adapter
	defer func() {
		for _, a := range running {
			a.stop()
		}
	}()
	prometheus := w.prometheus.url
	if l.remembered {
		r, err := w.prometheus.remember()
		if err != nil {
			return nil, err
		}
		defer r.stop()
		prometheus = r.url
	}
	for _, s := range b.sides() {
		a, err := w.start(s, prometheus, loadRules, time.Minute)
		if err != nil {
			return nil, err
		}
		running = append(running, a)
		if _, err := a.listed(ctx, metric); err != nil {
			return nil, err
		}
		// The first request is the one that reads what is not there yet; it is not measured.
		if _, err := a.front.get(ctx, l.url()); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
	}
	turns := make([][]turn, len(running))
	for range b.turns {
		for i, a := range running {
			var t turn
			err := b.profiled(ctx, a, l, func() (err error) {
				t, err = b.take(ctx, w, a, l)
				return err
			})
			if err != nil {
				return nil, err
			}
			turns[i] = append(turns[i], t)
		}
	}
	return turns, nil
}
