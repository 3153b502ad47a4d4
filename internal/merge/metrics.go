package merge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/internal/merge/telemetry"
)

// metrics are the merge's own: those of every merge, and what there is to say of workers that answer.
type metrics struct {
	*telemetry.Metrics
	workerUp    *prometheus.GaugeVec
	generations *prometheus.CounterVec
	readErrors  *prometheus.CounterVec
	resets      prometheus.Counter
}

// Reasons for skipping that the ledger adds to those of [reading.Reason].
const (
	skippedRetained  = "retained_limit"
	skippedNotFinite = "sum_not_finite"
	skippedEndpoint  = "endpoint_limit"
)

func newMetrics(state bool) *metrics {
	m := &metrics{
		Metrics: telemetry.New(state),
		workerUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_worker_up", Help: "1 if the last reading of the worker succeeded, 0 if not."}, []string{"worker"}),
		generations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_generations_total", Help: "Lives of workers by event: started, drained (handed over), lost (gone without), returned."}, []string{"event"}),
		readErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_read_errors_total", Help: "Failed readings of workers, by reason."}, []string{"reason"}),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_resets_total", Help: "Series that were reset inside a living worker."}),
	}
	m.Registry.MustRegister(m.workerUp, m.generations, m.readErrors, m.resets)
	for _, s := range []WorkerState{WorkerUp, WorkerDown, WorkerDrained, WorkerDead} {
		m.Workers.WithLabelValues(string(s))
	}
	for _, e := range []string{"started", "drained", "lost", "returned"} {
		m.generations.WithLabelValues(e)
	}
	for _, c := range []conflict{conflictType, conflictName, conflictHelp, conflictBounds} {
		m.Conflicts.WithLabelValues(string(c))
	}
	return m
}

// addProcess adds what the merging process costs, under names that no worker can have.
func (m *metrics) addProcess() {
	prometheus.WrapRegistererWithPrefix("truecount_merge_", m.Registry).
		MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func (m *metrics) skip(skipped map[reading.Reason]int, o outcome) {
	for r, n := range skipped {
		m.Skipped.WithLabelValues(string(r)).Add(float64(n))
	}
	for r, n := range map[string]int{skippedRetained: o.limited, skippedNotFinite: o.notFinite} {
		if n > 0 {
			m.Skipped.WithLabelValues(r).Add(float64(n))
		}
	}
	for _, c := range o.conflicts {
		m.Conflicts.WithLabelValues(string(c)).Inc()
	}
	m.resets.Add(float64(o.resets))
}
