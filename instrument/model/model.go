package model

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"
)

// Model counts the rows written of one model. It comes from [Operations.Model]; its methods may be called
// concurrently. Numbers of rows that are 0 or negative count nothing, and neither does a nil Model, so that code can be
// tested without metrics.
type Model struct {
	series  *series
	pending *Pending // nil: counted at once
}

// series are the counters of one model.
type series struct {
	owner    *Operations
	counters [operations]prometheus.Counter
}

// In returns the same model, whose rows are counted when the transaction p is committed; at once if p is nil.
func (m *Model) In(p *Pending) *Model {
	if m == nil {
		return nil
	}
	return &Model{series: m.series, pending: p}
}

// Inserted counts rows that were inserted. Call it after the statement succeeded, and in a transaction see [Pending].
func (m *Model) Inserted(rows int64) { m.count(inserts, rows) }

// Updated counts rows that were updated.
func (m *Model) Updated(rows int64) { m.count(updates, rows) }

// Deleted counts rows that were deleted; also those that were only marked as deleted, if that is how the model
// deletes.
func (m *Model) Deleted(rows int64) { m.count(deletes, rows) }

// InsertedBy counts the rows that an INSERT wrote if it succeeded, and hands its result on:
//
//	_, err := dogs.InsertedBy(db.ExecContext(ctx, "INSERT INTO dogs (name) VALUES ($1)", name))
//
// A driver that can't tell the rows affected makes it count nothing, which is logged once.
func (m *Model) InsertedBy(result sql.Result, err error) (sql.Result, error) {
	return m.countResult(inserts, result, err)
}

// UpdatedBy is [Model.InsertedBy] for an UPDATE.
func (m *Model) UpdatedBy(result sql.Result, err error) (sql.Result, error) {
	return m.countResult(updates, result, err)
}

// DeletedBy is [Model.InsertedBy] for a DELETE.
func (m *Model) DeletedBy(result sql.Result, err error) (sql.Result, error) {
	return m.countResult(deletes, result, err)
}

func (m *Model) countResult(op operation, result sql.Result, err error) (sql.Result, error) {
	if err != nil || result == nil || m == nil {
		return result, err
	}
	rows, unknown := result.RowsAffected()
	if unknown != nil {
		owner := m.series.owner
		owner.unknownRows.Do(func() {
			owner.logger.Warn("the database's driver does not say how many rows a statement wrote: they are not counted; "+
				"call Inserted, Updated or Deleted with their number instead", "error", unknown)
		})
		return result, nil
	}
	m.count(op, rows)
	return result, nil
}

func (m *Model) count(op operation, rows int64) {
	if rows <= 0 || m == nil { // a counter refuses to go down by a panic
		return
	}
	if m.pending != nil {
		m.pending.add(m.series, op, rows)
		return
	}
	m.series.counters[op].Add(float64(rows))
}
