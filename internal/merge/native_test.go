package merge_test

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func nativeOpts() prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: "seconds", Help: "T.", Buckets: []float64{.1, 1, 10}, NativeHistogramBucketFactor: 1.1}
}

func TestNativeHistogramsAndExemplarsSurviveTheMerge(t *testing.T) {
	dir := socketDir(t)
	all := prometheus.NewHistogram(nativeOpts()) // the oracle: one registry that observes everything
	reg := prometheus.NewRegistry()
	reg.MustRegister(all)
	m := mergerOf(t, dir)
	random := rand.New(rand.NewPCG(1, 2))
	for pid := 1; pid <= 3; pid++ {
		w := startWorker(t, dir, pid)
		h := prometheus.NewHistogram(nativeOpts())
		w.registry.MustRegister(h)
		for range 5 { // readings in between, so that differences are added up
			for range 100 {
				v := float64(int(random.ExpFloat64()*1024)) / 1024
				h.Observe(v)
				all.Observe(v)
			}
			h.(prometheus.ExemplarObserver).ObserveWithExemplar(0.5, prometheus.Labels{"trace_id": "abc"})
			all.Observe(0.5)
			read(t, m)
		}
		w.remove()
	}
	got := families(t, m)["seconds"].Metric[0].Histogram
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := gathered[0].Metric[0].Histogram
	if got.GetSampleCount() != want.GetSampleCount() || got.GetSampleSum() != want.GetSampleSum() {
		t.Errorf("count and sum %d %v, want %d %v", got.GetSampleCount(), got.GetSampleSum(), want.GetSampleCount(), want.GetSampleSum())
	}
	if got.GetSchema() != want.GetSchema() || got.GetZeroCount() != want.GetZeroCount() || got.GetZeroThreshold() != want.GetZeroThreshold() {
		t.Errorf("got %v, want %v", got, want)
	}
	if g, w := buckets(got), buckets(want); len(g) != len(w) {
		t.Errorf("%d native buckets, want %d", len(g), len(w))
	} else {
		for i, n := range w {
			if g[i] != n {
				t.Errorf("native bucket %d is %d, want %d", i, g[i], n)
			}
		}
	}
	if e := got.Bucket[1].Exemplar; e == nil || e.GetValue() != 0.5 || e.Label[0].GetValue() != "abc" {
		t.Errorf("the exemplar is %v", e)
	}
	if len(got.Exemplars) == 0 {
		t.Error("the native histogram has no exemplars")
	}
	parses(t, m)
}

// TestNativeHistogramsOfDifferentResolutionsAreAddedAtTheCoarser has workers of several builds, and one whose resolution
// falls while it runs, when its buckets become too many. The oracle is one histogram at the coarsest.
func TestNativeHistogramsOfDifferentResolutionsAreAddedAtTheCoarser(t *testing.T) {
	dir := socketDir(t)
	opts := func(factor float64, buckets uint32) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Name: "seconds", Help: "T.", NativeHistogramBucketFactor: factor, NativeHistogramMaxBucketNumber: buckets, NativeHistogramZeroThreshold: 1e-6,
		}
	}
	all := prometheus.NewHistogram(opts(4, 0))
	reg := prometheus.NewRegistry()
	reg.MustRegister(all)
	var workers []prometheus.Histogram
	for i, o := range []prometheus.HistogramOpts{opts(1.1, 0), opts(1.5, 0), opts(1.1, 12), opts(4, 0)} {
		h := prometheus.NewHistogram(o)
		startWorker(t, dir, i+1).registry.MustRegister(h)
		workers = append(workers, h)
	}
	m := mergerOf(t, dir)
	random := rand.New(rand.NewPCG(3, 4))
	for range 4 {
		for range 50 {
			for _, h := range workers {
				v := float64(int(random.ExpFloat64()*1024)) / 1024
				h.Observe(v)
				all.Observe(v)
			}
		}
		read(t, m)
	}
	got := families(t, m)["seconds"].Metric[0].Histogram
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := gathered[0].Metric[0].Histogram
	if got.GetSampleCount() != 800 || got.GetSampleSum() != want.GetSampleSum() || got.GetZeroCount() != want.GetZeroCount() {
		t.Errorf("got %v, want %v", got, want)
	}
	if got.GetSchema() != want.GetSchema() || !maps.Equal(buckets(got), buckets(want)) {
		t.Errorf("schema %d with %v, want %d with %v", got.GetSchema(), buckets(got), want.GetSchema(), buckets(want))
	}
	wantValue(t, m, `truecount_merge_conflicts_total{kind="bounds"}`, "0")
	parses(t, m)
}

// buckets are the native positive buckets that are not empty, by index.
func buckets(h *dto.Histogram) map[int]int64 {
	out := map[int]int64{}
	index, count, at := 0, int64(0), 0
	for _, s := range h.PositiveSpan {
		index += int(s.GetOffset())
		for range s.GetLength() {
			if count += h.PositiveDelta[at]; count != 0 {
				out[index] = count
			}
			at++
			index++
		}
	}
	return out
}

// TestTheNewestExemplarOfABucketIsKeptInTheOrderOfReadings has two workers take turns: the exemplar of a counter, and of a bucket
// that both count in, is that of the last turn; the bucket that one alone counts in keeps its own.
func TestTheNewestExemplarOfABucketIsKeptInTheOrderOfReadings(t *testing.T) {
	dir := socketDir(t)
	var counters []prometheus.ExemplarAdder
	var histograms []prometheus.ExemplarObserver
	for pid := 1; pid <= 2; pid++ {
		w := startWorker(t, dir, pid)
		counters = append(counters, w.counter("clicks_total").(prometheus.ExemplarAdder))
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "seconds", Help: "T.", Buckets: []float64{1, 2}})
		w.registry.MustRegister(h)
		histograms = append(histograms, h.(prometheus.ExemplarObserver))
	}
	m := mergerOf(t, dir)
	histograms[0].ObserveWithExemplar(1.5, prometheus.Labels{"trace_id": "alone"})
	for i, who := range []int{0, 1, 0} {
		id := time.Duration(i).String()
		counters[who].AddWithExemplar(1, prometheus.Labels{"trace_id": id})
		histograms[who].ObserveWithExemplar(0.5, prometheus.Labels{"trace_id": id})
		read(t, m)
		all := families(t, m)
		buckets := all["seconds"].Metric[0].Histogram.Bucket
		for name, want := range map[string]struct {
			exemplar *dto.Exemplar
			id       string
		}{
			"the counter's": {all["clicks_total"].Metric[0].Counter.Exemplar, id},
			"the bucket's":  {buckets[0].Exemplar, id},
			"the other's":   {buckets[1].Exemplar, "alone"},
		} {
			if len(want.exemplar.GetLabel()) == 0 || want.exemplar.Label[0].GetValue() != want.id {
				t.Errorf("after %s %s exemplar is %v, want %s", id, name, want.exemplar, want.id)
			}
		}
	}
}
