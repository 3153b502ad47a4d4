package pydir

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the merge's own, named as those of a merge of endpoints where they mean the same. They live on a registry of
// their own, whose families are part of the merged exposition, and which is registered as a whole, with the replica's
// name, where the program's own metrics are.
type metrics struct {
	registry     *prometheus.Registry
	workers      *prometheus.GaugeVec
	completeness prometheus.Gauge
	reads        prometheus.Counter
	readDuration prometheus.Histogram
	sourceErrors prometheus.Counter
	conflicts    *prometheus.CounterVec
	skipped      *prometheus.CounterVec
	retained     prometheus.Gauge
	files        *prometheus.GaugeVec
	filesSkipped *prometheus.CounterVec
	events       *prometheus.CounterVec
	stateHealthy prometheus.Gauge
	stateSaves   prometheus.Counter
	stateErrors  prometheus.Counter
	stateBytes   prometheus.Gauge
	process      *self // nil if it is not asked for
}

// What happens to files, in metrics.
const (
	eventSealed    = "sealed"
	eventRestarted = "restarted"
	eventGone      = "gone"
	eventDeleted   = "deleted"
	eventKept      = "kept"
)

// What files there are, in metrics.
const (
	filesRead    = "read"
	filesFinal   = "final"
	filesLeftOut = "left_out"
)

// States of workers, in metrics.
const (
	workersUp   = "up"
	workersDown = "down"
)

func newMetrics(name string, reg prometheus.Registerer) (*metrics, func(), error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		workers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_workers", Help: "Workers of this replica by state: up, down (may be alive; its counts stand), drained, dead."}, []string{"state"}),
		completeness: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_completeness_ratio", Help: "Share of the workers that may be alive of which this answer has everything."}),
		reads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_reads_total", Help: "Successful readings of a worker, or of the directory of all."}),
		readDuration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "truecount_merge_read_duration_seconds", Help: "Time that a reading took, decoding included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}}),
		sourceErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_source_errors_total", Help: "Failures to list the workers; the list before stood."}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_conflicts_total", Help: "Families in which workers disagreed, by kind: type, name, help, mode, bounds. Counted once for a family, and for each worker where that is known."}, []string{"kind"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_skipped_total", Help: "What was left out of readings, by reason."}, []string{"reason"}),
		retained: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_retained_series", Help: "What is kept of living and ended workers: series, or of a directory single numbers."}),
		files: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_files", Help: "Files of workers by what is done with them: read at each scrape, final (their workers are dead; in the totals), left_out."}, []string{"state"}),
		filesSkipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_files_skipped_total", Help: "Files that began to be left out, by reason; what was read of them before stands."}, []string{"reason"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_file_events_total", Help: "What happened to files: sealed (final and in the totals), restarted (begun anew in place), gone (their counts stand), deleted (by this, of dead workers), kept (could not be deleted)."}, []string{"event"}),
	}
	m.registry.MustRegister(m.workers, m.completeness, m.reads, m.readDuration, m.sourceErrors, m.conflicts, m.skipped, m.retained, m.files, m.filesSkipped, m.events)
	for _, c := range []conflict{conflictType, conflictName, conflictHelp, conflictMode, conflictBounds} {
		m.conflicts.WithLabelValues(string(c))
	}
	for _, r := range reasons {
		m.filesSkipped.WithLabelValues(string(r))
	}
	for _, e := range []string{eventSealed, eventRestarted, eventGone, eventDeleted, eventKept} {
		m.events.WithLabelValues(e)
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

// addState adds what is said of the state file.
func (m *metrics) addState() {
	m.stateHealthy = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "truecount_merge_state_healthy", Help: "1 if the state file could be written last time, 0 if not."})
	m.stateSaves = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "truecount_merge_state_saves_total", Help: "Times that the state file was written."})
	m.stateErrors = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "truecount_merge_state_errors_total", Help: "Times that the state file could not be written, or not be used at the start."})
	m.stateBytes = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "truecount_merge_state_bytes", Help: "Size of the state file as it was written last."})
	m.registry.MustRegister(m.stateHealthy, m.stateSaves, m.stateErrors, m.stateBytes)
	m.stateHealthy.Set(1)
}

// addProcess adds what the merging process costs, under names that no worker can have.
func (m *metrics) addProcess() {
	m.process = newSelf()
	prometheus.WrapRegistererWithPrefix("truecount_merge_", m.registry).MustRegister(m.process)
}
