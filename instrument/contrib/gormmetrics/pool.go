package gormmetrics

import (
	"context"
	"database/sql"

	"github.com/truecount/truecount/instrument/model"
	"gorm.io/gorm"
)

// pool is a connection pool whose transactions remember what is to be counted. GORM asks a pool for its other
// abilities by interfaces of its own, which these are.
type pool struct{ gorm.ConnPool }

var (
	_ gorm.ConnPoolBeginner = (*pool)(nil)
	_ gorm.GetDBConnector   = (*pool)(nil)
)

// follow returns a pool whose transactions are followed; the same if it is followed already, or begins none.
func follow(p gorm.ConnPool) gorm.ConnPool {
	switch p.(type) {
	case *pool, *gorm.PreparedStmtDB, gorm.TxCommitter: // of prepared statements, the pool within is followed
		return p
	case gorm.TxBeginner, gorm.ConnPoolBeginner:
		return &pool{p}
	}
	return p
}

// followPool makes db use a followed pool.
func followPool(db *gorm.DB) {
	if prepared, ok := db.ConnPool.(*gorm.PreparedStmtDB); ok {
		prepared.ConnPool = follow(prepared.ConnPool)
		return
	}
	db.ConnPool = follow(db.ConnPool)
	db.Statement.ConnPool = follow(db.Statement.ConnPool)
}

// followStatement is for statements that were given another pool: a connection of db.Connection, another plugin's
// pool.
func followStatement(db *gorm.DB) { db.Statement.ConnPool = follow(db.Statement.ConnPool) }

func (p *pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	var inner gorm.ConnPool
	var err error
	switch beginner := p.ConnPool.(type) {
	case gorm.TxBeginner:
		inner, err = beginner.BeginTx(ctx, opts)
	case gorm.ConnPoolBeginner:
		inner, err = beginner.BeginTx(ctx, opts)
	default:
		err = gorm.ErrInvalidTransaction
	}
	tx, ok := inner.(gorm.Tx)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return inner, nil
	}
	return &transaction{Tx: tx, pool: p}, nil
}

// GetDBConn is for db.DB().
func (p *pool) GetDBConn() (*sql.DB, error) {
	switch inner := p.ConnPool.(type) {
	case *sql.DB:
		return inner, nil
	case gorm.GetDBConnector:
		return inner.GetDBConn()
	}
	return nil, gorm.ErrInvalidDB
}

// Ping is for gorm.Open, which may come after a plugin.
func (p *pool) Ping() error {
	if pinger, ok := p.ConnPool.(interface{ Ping() error }); ok {
		return pinger.Ping()
	}
	return nil
}

// transaction counts what was written in it when it is committed.
type transaction struct {
	gorm.Tx
	pool    *pool
	pending model.Pending
}

var _ gorm.Tx = (*transaction)(nil)

func (t *transaction) Commit() error { return t.pending.Committed(t.Tx.Commit()) }

func (t *transaction) Rollback() error {
	t.pending.RolledBack()
	return t.Tx.Rollback()
}

func (t *transaction) GetDBConn() (*sql.DB, error) { return t.pool.GetDBConn() }

// of returns the transaction that a pool is, nil if it is none that is followed.
func of(p gorm.ConnPool) (tx *transaction, isTransaction bool) {
	for {
		switch t := p.(type) {
		case *transaction:
			return t, true
		case *gorm.PreparedStmtTX:
			p = t.Tx
		case gorm.TxCommitter:
			return nil, true
		default:
			return nil, false
		}
	}
}

// in returns a model's counts for a statement on p: those of the transaction that p is, or those that count at once.
func (p *Plugin) in(counts *model.Model, conn gorm.ConnPool) *model.Model {
	tx, isTransaction := of(conn)
	if tx != nil {
		return counts.In(&tx.pending)
	}
	if isTransaction {
		p.foreign.Do(func() {
			p.logger.Warn("a transaction was not begun by the gorm.DB that uses the plugin: its rows are counted before it is " +
				"committed, and also if it is rolled back; begin it with the Begin or Transaction of that gorm.DB")
		})
	}
	return counts
}
