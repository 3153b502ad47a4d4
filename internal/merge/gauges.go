package merge

import (
	"math"
	"strings"

	"github.com/truecount/truecount/internal/hint"
)

// GaugeMode says how the gauges of several live workers become one.
type GaugeMode string

// The modes.
const (
	GaugeSum        GaugeMode = "sum"
	GaugeMin        GaugeMode = "min"
	GaugeMax        GaugeMode = "max"
	GaugeMostRecent GaugeMode = "mostrecent" // of the worker whose value changed last
	GaugeAll        GaugeMode = "all"        // each worker's own, with the label pid
)

// wellKnown are gauges whose sum means nothing. Names are those of client_golang's process and Go collectors; *_created
// is what Python's client exposes in text format; *_info and *_timestamp_seconds are Prometheus' naming conventions.
// The workers of a service see the same migrations, also under django-prometheus' names; a collector or a file that
// fails in one of them has failed.
var wellKnown = map[string]GaugeMode{
	"process_start_time_seconds":             GaugeMin,
	"process_virtual_memory_max_bytes":       GaugeMax,
	"go_gc_gogc_percent":                     GaugeMax,
	"go_gc_gomemlimit_bytes":                 GaugeMin,
	"go_sched_gomaxprocs_threads":            GaugeMax,
	"go_memstats_last_gc_time_seconds":       GaugeMax,
	"go_memstats_gc_cpu_fraction":            GaugeMax,
	"*_created":                              GaugeMin,
	"*migrations_applied":                    GaugeMin,
	"*migrations_unapplied":                  GaugeMax,
	"*migrations_applied_total":              GaugeMin,
	"*migrations_unapplied_total":            GaugeMax,
	"*instrument_collector_success":          GaugeMin,
	"*instrument_web_config_good":            GaugeMin,
	"*instrument_collector_duration_seconds": GaugeMax,
	"*_info":                                 GaugeMax,
	"*_timestamp_seconds":                    GaugeMax,
}

// CheckGauges returns an error with a hint if a mode is none of the constants.
func CheckGauges(gauges map[string]GaugeMode) error {
	for name, mode := range gauges {
		switch mode {
		case GaugeSum, GaugeMin, GaugeMax, GaugeMostRecent, GaugeAll:
		default:
			return hint.Errorf("use sum, min, max, mostrecent or all", "merge: gauge %q: unknown mode %q", name, mode)
		}
	}
	return nil
}

// ModeOf chooses a gauge's mode from a table by metric name, *suffix or prefix*: the exact name goes before a pattern, a
// longer pattern before a shorter one. It is false if nothing matches.
func ModeOf(table map[string]GaugeMode, name string) (GaugeMode, bool) {
	if m, ok := table[name]; ok {
		return m, true
	}
	best, found := "", GaugeMode("")
	for pattern, m := range table {
		suffix, isSuffix := strings.CutPrefix(pattern, "*")
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		matches := isSuffix && strings.HasSuffix(name, suffix) || isPrefix && strings.HasPrefix(name, prefix)
		if matches && (len(pattern) > len(best) || len(pattern) == len(best) && pattern < best) {
			best, found = pattern, m
		}
	}
	return found, found != ""
}

// gaugePolicy chooses modes by the first of its tables that has one: the user's goes before the built-in one.
type gaugePolicy []map[string]GaugeMode

func (p gaugePolicy) mode(name string) GaugeMode {
	for _, table := range p {
		if m, ok := ModeOf(table, name); ok {
			return m
		}
	}
	return GaugeSum
}

// combined is one merged gauge while its workers' values come in.
type combined struct {
	value   float64
	changed uint64
	seen    bool
}

func (c *combined) take(mode GaugeMode, value float64, changed uint64) {
	switch {
	case !c.seen:
		c.value, c.changed = value, changed
	case mode == GaugeMin:
		c.value = lesser(c.value, value)
	case mode == GaugeMax:
		c.value = -lesser(-c.value, -value)
	case mode == GaugeMostRecent:
		if changed > c.changed {
			c.value, c.changed = value, changed
		}
	default:
		c.value += value
	}
	c.seen = true
}

// lesser prefers any number to NaN, unlike math.Min.
func lesser(a, b float64) float64 {
	if math.IsNaN(a) || b < a {
		return b
	}
	return a
}
