package model

import (
	"slices"
	"strings"
	"sync"
)

// Pending holds back what is counted in a transaction until it is known what became of it, one Pending for one
// transaction. Its zero value is ready; its methods may be called concurrently.
//
//	var pending model.Pending
//	_, err = walks.In(&pending).InsertedBy(tx.ExecContext(ctx, "INSERT …"))
//	…
//	return pending.Committed(tx.Commit())
//
// A transaction that is rolled back needs no call: its Pending is dropped with what it holds. After
// [Pending.Committed] or [Pending.RolledBack] it is empty, and can serve the next transaction.
type Pending struct {
	mu     sync.Mutex
	frames []frame // one per savepoint; the first is the transaction's own
}

// frame is what was counted since a savepoint.
type frame struct {
	savepoint string
	rows      map[change]int64
}

type change struct {
	series *series
	op     operation
}

// Committed counts what is pending if err, the error of the commit, is nil; if not, it forgets it. It returns err.
//
// A commit whose connection broke may have happened nevertheless, which nobody here can know: it is not counted.
func (p *Pending) Committed(err error) error {
	p.mu.Lock()
	frames := p.frames
	p.frames = nil
	p.mu.Unlock()
	if err != nil {
		return err
	}
	for _, f := range frames {
		for c, rows := range f.rows {
			c.series.counters[c.op].Add(float64(rows))
		}
	}
	return nil
}

// RolledBack forgets what is pending.
func (p *Pending) RolledBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = nil
}

// Savepoint says that SAVEPOINT name succeeded.
func (p *Pending) Savepoint(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last()
	p.frames = append(p.frames, frame{savepoint: name})
}

// RollbackTo says that ROLLBACK TO SAVEPOINT name succeeded: what was counted since is forgotten; the savepoint stays,
// as in SQL. The names of savepoints are compared without case. A name that is not known changes nothing.
func (p *Pending) RollbackTo(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.find(name); i > 0 {
		p.cut(i)
		p.frames = append(p.frames, frame{savepoint: name})
	}
}

// Release says that RELEASE SAVEPOINT name succeeded: what was counted since stays pending, and the savepoint, with
// those that were made after it, is gone.
func (p *Pending) Release(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(name)
	if i <= 0 {
		return
	}
	for _, released := range p.frames[i:] {
		for c, rows := range released.rows {
			p.frames[i-1].add(c, rows)
		}
	}
	p.cut(i)
}

func (p *Pending) add(s *series, op operation, rows int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last().add(change{s, op}, rows)
}

// last returns the frame that is counted in.
func (p *Pending) last() *frame {
	if len(p.frames) == 0 {
		p.frames = append(p.frames, frame{})
	}
	return &p.frames[len(p.frames)-1]
}

// find returns where the newest savepoint of a name is, or -1.
func (p *Pending) find(name string) int {
	for i, f := range slices.Backward(p.frames) {
		if i > 0 && strings.EqualFold(f.savepoint, name) {
			return i
		}
	}
	return -1
}

func (p *Pending) cut(from int) {
	clear(p.frames[from:])
	p.frames = p.frames[:from]
}

func (f *frame) add(c change, rows int64) {
	if f.rows == nil {
		f.rows = map[change]int64{}
	}
	f.rows[c] += rows
}
