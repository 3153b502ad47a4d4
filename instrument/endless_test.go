package instrument_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

func TestL3ACollectorThatNeverStopsSendingFillsNoMemory(t *testing.T) {
	m, _ := newMetrics(t, func(o *instrument.Options) { o.MaxCollected = 1000 })
	var stop atomic.Bool
	var sent atomic.Int64
	desc := prometheus.NewDesc("endless", "Endless.", []string{"n"}, nil)
	register(t, m, "endless", func(_ context.Context, ch chan<- prometheus.Metric) error {
		for !stop.Load() {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, fmt.Sprint(sent.Add(1)))
		}
		return nil
	})
	s := served(t, m.Handler(), false)
	if status, text := scrape(t, s, "3"); status != http.StatusOK || !has(text, `instrument_collector_success{collector="endless"} 0`) {
		t.Errorf("answered %d", status)
	}
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, after := heap(), sent.Load()+50_000
	eventually(t, func() bool { return sent.Load() > after })
	if now := heap(); now > before+4<<20 {
		t.Errorf("%d kB more after 50,000 metrics that nobody waits for", (now-before)>>10)
	}
	stop.Store(true)
	eventually(t, func() bool {
		_, text := scrape(t, s, "5")
		return has(text, `instrument_collector_success{collector="endless"} 1`)
	})
}

func TestL3ACollectorMaySendABoundedNumberOfMetrics(t *testing.T) {
	m, reg := newMetrics(t)
	register(t, m, "many", func(_ context.Context, ch chan<- prometheus.Metric) error {
		for n := range 10_007 {
			ch <- gauge("many", "n", fmt.Sprint(n))
		}
		return nil
	})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "many":
			if len(f.Metric) != 10_000 {
				t.Errorf("%d series", len(f.Metric))
			}
		case "instrument_collector_success":
			if f.Metric[0].Gauge.GetValue() != 0 {
				t.Error("what was dropped is not told")
			}
		}
	}
}
