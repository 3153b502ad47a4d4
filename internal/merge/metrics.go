package merge

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/truecount/truecount/internal/merge/reading"
)

// metrics are the merge's own. They live on a registry of their own, whose families are part of the merged exposition,
// and which is registered as a whole, with the replica's name, where the program's own metrics are.
type metrics struct {
	registry     *prometheus.Registry
	workers      *prometheus.GaugeVec
	workerUp     *prometheus.GaugeVec
	completeness prometheus.Gauge
	generations  *prometheus.CounterVec
	reads        prometheus.Counter
	readErrors   *prometheus.CounterVec
	readDuration prometheus.Histogram
	conflicts    *prometheus.CounterVec
	resets       prometheus.Counter
	skipped      *prometheus.CounterVec
	retained     prometheus.Gauge
	sourceErrors prometheus.Counter
	state        *stateMetrics // nil without a state
}

// stateMetrics tell how the state file is doing.
type stateMetrics struct {
	healthy, bytes, lastSave prometheus.Gauge
	saves, errors            prometheus.Counter
}

func newStateMetrics(reg prometheus.Registerer) *stateMetrics {
	s := &stateMetrics{
		healthy: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_state_healthy", Help: "1 if what is served was saved before, 0 if saving fails or takes too long."}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_state_bytes", Help: "Size of the state that was saved last."}),
		lastSave: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_state_last_save_timestamp_seconds", Help: "When the state was saved last; 0 if it was not since the start."}),
		saves: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_state_saves_total", Help: "Times that the state was saved."}),
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_state_errors_total", Help: "Times that the state was damaged, could not be saved or was saved too late."}),
	}
	reg.MustRegister(s.healthy, s.bytes, s.lastSave, s.saves, s.errors)
	return s
}

// Reasons for skipping that the ledger adds to those of [reading.Reason].
const (
	skippedRetained  = "retained_limit"
	skippedNotFinite = "sum_not_finite"
	skippedEndpoint  = "endpoint_limit"
)

func newMetrics(name string, reg prometheus.Registerer, state bool) (*metrics, func(), error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		workers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_workers", Help: "Workers of this replica by state: up, down (may be alive; its counts stand), drained, dead."}, []string{"state"}),
		workerUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_worker_up", Help: "1 if the last reading of the worker succeeded, 0 if not."}, []string{"worker"}),
		completeness: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_completeness_ratio", Help: "Share of the workers that may be alive of which this answer has everything."}),
		generations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_generations_total", Help: "Lives of workers by event: started, drained (handed over), lost (gone without), returned."}, []string{"event"}),
		reads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_reads_total", Help: "Successful readings of a worker, or of the directory of all."}),
		readErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_read_errors_total", Help: "Failed readings of workers, by reason."}, []string{"reason"}),
		readDuration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "truecount_merge_read_duration_seconds", Help: "Time that a reading took, decoding included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_conflicts_total", Help: "Families in which workers disagreed, by kind: type, name, help, mode, bounds. Counted once for a family, and for each worker where that is known."}, []string{"kind"}),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_resets_total", Help: "Series that were reset inside a living worker."}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_skipped_total", Help: "What was left out of readings, by reason."}, []string{"reason"}),
		retained: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_retained_series", Help: "What is kept of living and ended workers: series, or of a directory single numbers."}),
		sourceErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_source_errors_total", Help: "Failures to list the workers; the list before stood."}),
	}
	m.completeness.Set(1)
	m.registry.MustRegister(m.workers, m.workerUp, m.completeness, m.generations, m.reads, m.readErrors, m.readDuration, m.conflicts,
		m.resets, m.skipped, m.retained, m.sourceErrors)
	for _, s := range []WorkerState{WorkerUp, WorkerDown, WorkerDrained, WorkerDead} {
		m.workers.WithLabelValues(string(s))
	}
	for _, e := range []string{"started", "drained", "lost", "returned"} {
		m.generations.WithLabelValues(e)
	}
	for _, c := range []conflict{conflictType, conflictName, conflictHelp, conflictBounds} {
		m.conflicts.WithLabelValues(string(c))
	}
	if state {
		m.state = newStateMetrics(m.registry)
	}
	if reg == nil {
		return m, func() {}, nil
	}
	named := prometheus.WrapRegistererWith(prometheus.Labels{"replica": name}, reg)
	if err := named.Register(m.registry); err != nil {
		return nil, nil, fmt.Errorf("merge %q: register metrics: %w", name, err)
	}
	return m, func() { named.Unregister(m.registry) }, nil
}

// addProcess adds what the merging process costs, under names that no worker can have.
func (m *metrics) addProcess() {
	prometheus.WrapRegistererWithPrefix("truecount_merge_", m.registry).
		MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func (m *metrics) skip(skipped map[reading.Reason]int, o outcome) {
	for r, n := range skipped {
		m.skipped.WithLabelValues(string(r)).Add(float64(n))
	}
	for r, n := range map[string]int{skippedRetained: o.limited, skippedNotFinite: o.notFinite} {
		if n > 0 {
			m.skipped.WithLabelValues(r).Add(float64(n))
		}
	}
	for _, c := range o.conflicts {
		m.conflicts.WithLabelValues(string(c)).Inc()
	}
	m.resets.Add(float64(o.resets))
}
