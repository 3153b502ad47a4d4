package database

import (
	"database/sql/driver"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Handle counts for one database. Its series are resolved: an event costs no lookup, a rare error apart. Its methods may be called
// concurrently.
//
// Most programs only use [Handle.Open] or [Handle.OpenDB]. The other methods are for databases that database/sql does not
// reach.
type Handle struct {
	metrics       *Metrics
	alias, vendor string

	opened, refused, executions, batches prometheus.Counter
	duration                             prometheus.Observer
	errors                               map[Class]prometheus.Counter // of the usual classes

	pools pools
}

func newHandle(m *Metrics, alias, vendor string) *Handle {
	v := m.vectors
	h := &Handle{
		metrics:    m,
		alias:      alias,
		vendor:     vendor,
		opened:     v.opened.WithLabelValues(alias, vendor),
		refused:    v.refused.WithLabelValues(alias, vendor),
		executions: v.executions.WithLabelValues(alias, vendor),
		batches:    v.batches.WithLabelValues(alias, vendor),
		duration:   v.duration.WithLabelValues(alias, vendor),
		errors:     map[Class]prometheus.Counter{},
	}
	for _, k := range kinds {
		if m.presets(k) {
			h.errors[k.class] = v.errors.WithLabelValues(alias, vendor, m.label(k))
		}
	}
	return h
}

// Connected counts a connection that was opened or, with an error, could not be.
func (h *Handle) Connected(err error) {
	if err == nil || h.metrics.countsAttempts() {
		h.opened.Inc()
	}
	if err != nil {
		h.refused.Inc()
	}
}

// Executed counts a statement that the database was asked to execute, how long that took, and the error if there was one.
//
// With [driver.ErrBadConn] only the error is counted: a driver returns it if the database was not asked, and the statement
// is tried again on another connection. With [driver.ErrSkip] nothing is.
func (h *Handle) Executed(took time.Duration, err error) {
	if err != nil {
		if errors.Is(err, driver.ErrSkip) {
			return
		}
		h.Failed(err)
		if errors.Is(err, driver.ErrBadConn) {
			return
		}
	}
	h.executions.Inc()
	h.duration.Observe(took.Seconds())
}

// BatchExecuted counts statements that were executed together and how long that took, as [Handle.Executed] does for one.
// They are executions, too.
func (h *Handle) BatchExecuted(statements int, took time.Duration, err error) {
	if err != nil {
		h.Failed(err)
	}
	if statements > 0 {
		h.executions.Add(float64(statements))
		h.batches.Add(float64(statements))
		h.duration.Observe(took.Seconds())
	}
}

// InBatch says that statements, which were counted as executions one by one, were one batch. database/sql knows no
// batches: a program says it itself, after it executed a prepared statement for each of a list of values.
func (h *Handle) InBatch(statements int) {
	if statements > 0 {
		h.batches.Add(float64(statements))
	}
}

// Failed counts an error by its class. What is no error for [ClassOf] is not counted.
func (h *Handle) Failed(err error) {
	class := h.class(err)
	if class == "" {
		return
	}
	count, usual := h.errors[class]
	if !usual {
		count = h.metrics.vectors.errors.WithLabelValues(h.alias, h.vendor, h.metrics.label(class.kind()))
	}
	count.Inc()
}

// class asks the application's function first. A function that panics, or an error whose methods do, must not bring
// the query down.
func (h *Handle) class(err error) (class Class) {
	defer func() {
		if recover() != nil {
			class = Other
		}
	}()
	class = ClassOf(err)
	if class == "" {
		return ""
	}
	if own := h.metrics.options.Class; own != nil {
		if named := own(err); named != "" {
			class = named
		}
	}
	if !class.known() {
		class = Other
	}
	return class
}
