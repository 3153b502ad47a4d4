package pydir

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/merge/telemetry"
)

// metrics are the merge's own: those of every merge, and what there is to say of files.
type metrics struct {
	*telemetry.Metrics
	files        *prometheus.GaugeVec
	filesSkipped *prometheus.CounterVec
	events       *prometheus.CounterVec
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

func newMetrics(state bool) *metrics {
	m := &metrics{
		Metrics: telemetry.New(state),
		files: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "truecount_merge_files", Help: "Files of workers by what is done with them: read at each scrape, final (their workers are dead; in the totals), left_out."}, []string{"state"}),
		filesSkipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_files_skipped_total", Help: "Files that began to be left out, by reason; what was read of them before stands."}, []string{"reason"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truecount_merge_file_events_total", Help: "What happened to files: sealed (final and in the totals), restarted (begun anew in place), gone (their counts stand), deleted (by this, of dead workers), kept (could not be deleted)."}, []string{"event"}),
	}
	m.Registry.MustRegister(m.files, m.filesSkipped, m.events)
	for _, c := range []conflict{conflictType, conflictName, conflictHelp, conflictMode, conflictBounds} {
		m.Conflicts.WithLabelValues(string(c))
	}
	for _, r := range reasons {
		m.filesSkipped.WithLabelValues(string(r))
	}
	for _, e := range []string{eventSealed, eventRestarted, eventGone, eventDeleted, eventKept} {
		m.events.WithLabelValues(e)
	}
	return m
}

// addProcess adds what the merging process costs, under names that no worker can have.
func (m *metrics) addProcess() {
	m.process = newSelf()
	prometheus.WrapRegistererWithPrefix("truecount_merge_", m.Registry).MustRegister(m.process)
}
