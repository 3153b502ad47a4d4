// Package telemetry is what a merge says of itself, whatever its workers' metrics are read from: how many workers there
// are and how complete its answer is, what reading took, what was left out and why, how the state file is doing.
package telemetry

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are a merge's own. They live on a registry of their own, to which it adds those of its kind: the families of that
// are part of the merged exposition, and it is registered as a whole where the program's own metrics are.
type Metrics struct {
	Registry     *prometheus.Registry
	Workers      *prometheus.GaugeVec // state
	Completeness prometheus.Gauge
	Reads        prometheus.Counter
	ReadDuration prometheus.Histogram
	SourceErrors prometheus.Counter
	Conflicts    *prometheus.CounterVec // kind
	Skipped      *prometheus.CounterVec // reason
	Retained     prometheus.Gauge
	State        *State // nil without a state file
}

// State tells how the state file is doing.
type State struct {
	Healthy, Bytes, LastSave prometheus.Gauge
	Saves, Errors            prometheus.Counter
}

// New makes the metrics of one merge; those of a state file only for one that has one.
func New(state bool) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		Workers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_workers", Help: "Workers of this replica by state: up, down (may be alive; its counts stand), drained, dead."}, []string{"state"}),
		Completeness: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_completeness_ratio", Help: "Share of the workers that may be alive of which this answer has everything."}),
		Reads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_reads_total", Help: "Successful readings of a worker, or of the directory of all."}),
		ReadDuration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "truecount_merge_read_duration_seconds", Help: "Time that a reading took, decoding included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}}),
		SourceErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_source_errors_total", Help: "Failures to list the workers; the list before stood."}),
		Conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_conflicts_total", Help: "Families in which workers disagreed, by kind: type, name, help, mode, bounds. Counted once for a family, and for each worker where that is known."}, []string{"kind"}),
		Skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_skipped_total", Help: "What was left out of readings, by reason."}, []string{"reason"}),
		Retained: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_retained_series", Help: "What is kept of living and ended workers: series, or of a directory single numbers."}),
	}
	m.Completeness.Set(1)
	m.Registry.MustRegister(m.Workers, m.Completeness, m.Reads, m.ReadDuration, m.SourceErrors, m.Conflicts, m.Skipped, m.Retained)
	if state {
		m.State = newState(m.Registry)
	}
	return m
}

func newState(reg prometheus.Registerer) *State {
	s := &State{
		Healthy: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_state_healthy", Help: "1 if what is served was saved before, 0 if saving fails or takes too long."}),
		Bytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_state_bytes", Help: "Size of the state that was saved last."}),
		LastSave: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "truecount_merge_state_last_save_timestamp_seconds", Help: "When the state was saved last; 0 if it was not since the start."}),
		Saves: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_state_saves_total", Help: "Times that the state was saved."}),
		Errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "truecount_merge_state_errors_total", Help: "Times that the state was damaged, could not be saved or was saved too late."}),
	}
	s.Healthy.Set(1)
	reg.MustRegister(s.Healthy, s.Bytes, s.LastSave, s.Saves, s.Errors)
	return s
}

// Publish registers the metrics with the replica's name, and returns what takes them back. A nil reg is none.
func (m *Metrics) Publish(replica string, reg prometheus.Registerer) (withdraw func(), err error) {
	if reg == nil {
		return func() {}, nil
	}
	named := prometheus.WrapRegistererWith(prometheus.Labels{"replica": replica}, reg)
	if err := named.Register(m.Registry); err != nil {
		return nil, fmt.Errorf("merge %q: register metrics: %w", replica, err)
	}
	return func() { named.Unregister(m.Registry) }, nil
}
