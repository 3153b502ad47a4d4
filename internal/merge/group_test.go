package merge_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/test/await"
)

func newGroup(t testing.TB) *merge.Group {
	t.Helper()
	g, err := merge.NewGroup(merge.GroupOptions{Name: "clicks"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAServiceKeepsTheCountsOfReplicasThatWereScaledAway(t *testing.T) {
	g := newGroup(t)
	var replicas []*merge.Merger
	var workers []*worker
	for i := range 3 {
		dir := socketDir(t)
		w := startWorker(t, dir, 10+i)
		w.counter("clicks_total").Add(float64(i + 1))
		w.gauge("in_flight").Set(1)
		m := newMerger(t, merge.Options{Name: fmt.Sprintf("clicks-%d", i), Source: endpoints.Dir(dir)})
		g.Add(m)
		g.Add(m) // changes nothing
		read(t, m)
		replicas, workers = append(replicas, m), append(workers, w)
	}
	wantValue(t, g, "clicks_total", "6")
	wantValue(t, g, "in_flight", "3")
	wantAbsent(t, g, "truecount_merge_")
	if c := g.Counter("clicks_total"); c.Total != 6 || len(c.Workers) != 3 || c.Workers[2].Replica != "clicks-2" || c.Workers[2].Value != 3 {
		t.Errorf("the counter is %+v", c)
	}

	workers[2].remove()
	read(t, replicas[2])
	g.Retire(replicas[2])
	g.Retire(replicas[2])
	wantValue(t, g, "clicks_total", "6")
	wantValue(t, g, "in_flight", "2")
	if c := g.Counter("clicks_total"); c.Total != 6 || len(c.Workers) != 2 || len(g.Workers()) != 2 {
		t.Errorf("after the retirement: %+v", c)
	}
	parses(t, g)
}

func TestAServiceDoesNotCountTwiceWhenAReplicasHistogramsGetCoarser(t *testing.T) {
	g := newGroup(t)
	dir := socketDir(t)
	observe := func(pid int, native bool, bounds ...float64) {
		h := prometheus.HistogramOpts{Name: "size", Help: "T.", Buckets: bounds}
		if native {
			h.NativeHistogramBucketFactor = 1.1
		}
		w := startWorker(t, dir, pid)
		hist := prometheus.NewHistogram(h)
		w.registry.MustRegister(hist)
		hist.Observe(0.5)
		hist.Observe(7)
	}
	observe(1, true, 1, 5, 10)
	m := mergerOf(t, dir)
	g.Add(m)
	read(t, m)
	wantValue(t, g, "size_count", "2")
	if families(t, g)["size"].Metric[0].Histogram.Schema == nil {
		t.Error("the native histogram was lost")
	}
	observe(2, true, 1, 10)
	read(t, m)
	wantValue(t, g, "size_count", "4")
	wantValue(t, g, `size_bucket{le="1"}`, "2")
	wantAbsent(t, g, `size_bucket{le="5"}`)
	observe(3, false, 1, 10) // no native part: from here on, classic buckets only
	read(t, m)
	wantValue(t, g, "size_count", "6")
	wantValue(t, g, `size_bucket{le="10"}`, "6")
	wantValue(t, g, "size_sum", "22.5")
	if families(t, g)["size"].Metric[0].Histogram.Schema != nil {
		t.Error("a native histogram that lacks a worker is exposed")
	}
}

func TestANaiveScrapeOfAServiceSeesAnyOfItsWorkers(t *testing.T) {
	g := newGroup(t)
	for i := range 2 {
		dir := socketDir(t)
		startWorker(t, dir, 1+i).counter("clicks_total").Add(float64(i + 1))
		m := newMerger(t, merge.Options{Name: fmt.Sprint(i), Source: endpoints.Dir(dir)})
		g.Add(m)
		read(t, m)
	}
	seen := map[string]bool{}
	await.True(t, "both were seen", func() bool {
		seen[value(t, g.NaiveHandler(), "clicks_total")] = true
		return len(seen) == 2
	})
}
