package model_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/truecount/truecount/instrument/model"
)

func TestATransactionIsCountedWhenItIsCommitted(t *testing.T) {
	f := newOperations(t, "walk", "dog")
	var pending model.Pending
	walks, dogs := f.Model("walk").In(&pending), f.Model("dog").In(&pending)
	walks.Inserted(2)
	walks.Inserted(1)
	dogs.Deleted(1)
	dogs.Updated(0)
	f.expect(t)
	if err := pending.Committed(nil); err != nil {
		t.Error(err)
	}
	f.expect(t, "inserts walk 3", "deletes dog 1")
	if err := pending.Committed(nil); err != nil {
		t.Error(err)
	}
	f.expect(t, "inserts walk 3", "deletes dog 1") // once
	f.Model("walk").Inserted(1)                    // at once, as before
	f.expect(t, "inserts walk 4", "deletes dog 1")
}

func TestATransactionThatFailsOrIsRolledBackIsNotCounted(t *testing.T) {
	f := newOperations(t, "walk")
	var pending model.Pending
	walks := f.Model("walk").In(&pending)
	walks.Inserted(1)
	if err := pending.Committed(errRefused); !errors.Is(err, errRefused) {
		t.Errorf("the commit's error is not handed on: %v", err)
	}
	walks.Inserted(1)
	pending.RolledBack()
	f.expect(t)
	walks.Updated(1) // the next transaction
	_ = pending.Committed(nil)
	f.expect(t, "updates walk 1")
}

func TestSavepointsForgetWhatIsRolledBackToThem(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(p *model.Pending, insert func(rows int64))
		want []string
	}{
		{"rolled back", func(p *model.Pending, insert func(int64)) {
			insert(1)
			p.Savepoint("a")
			insert(10)
			p.RollbackTo("a")
			insert(100)
		}, []string{"inserts walk 101"}},
		{"rolled back twice", func(p *model.Pending, insert func(int64)) {
			p.Savepoint("a")
			insert(1)
			p.RollbackTo("A") // names have no case
			insert(10)
			p.RollbackTo("a")
			insert(100)
		}, []string{"inserts walk 100"}},
		{"rolled back over another", func(p *model.Pending, insert func(int64)) {
			p.Savepoint("a")
			insert(1)
			p.Savepoint("b")
			insert(10)
			p.RollbackTo("a")
			p.RollbackTo("b") // which is gone
			insert(100)
		}, []string{"inserts walk 100"}},
		{"kept", func(p *model.Pending, insert func(int64)) {
			p.Savepoint("a")
			insert(1)
			p.Savepoint("b")
			insert(10)
		}, []string{"inserts walk 11"}},
		{"released, then rolled back with the one before", func(p *model.Pending, insert func(int64)) {
			insert(1)
			p.Savepoint("a")
			insert(10)
			p.Savepoint("b")
			insert(100)
			p.Release("b")
			p.RollbackTo("a")
		}, []string{"inserts walk 1"}},
		{"released with those after it", func(p *model.Pending, insert func(int64)) {
			p.Savepoint("a")
			insert(1)
			p.Savepoint("b")
			insert(10)
			p.Release("a")
			p.RollbackTo("b") // which is gone
			p.RollbackTo("a")
		}, []string{"inserts walk 11"}},
		{"one name twice", func(p *model.Pending, insert func(int64)) {
			p.Savepoint("a")
			insert(1)
			p.Savepoint("a")
			insert(10)
			p.RollbackTo("a")
			p.Release("a")
			insert(100)
			p.RollbackTo("a")
		}, nil},
		{"not known", func(p *model.Pending, insert func(int64)) {
			p.RollbackTo("a")
			p.Release("a")
			insert(1)
			p.RollbackTo("a")
			p.RollbackTo("")
			p.Release("a")
		}, []string{"inserts walk 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newOperations(t, "walk")
			var pending model.Pending
			tt.do(&pending, f.Model("walk").In(&pending).Inserted)
			_ = pending.Committed(nil)
			f.expect(t, tt.want...)
		})
	}
}

func TestPendingIsSafeFromManyGoroutines(t *testing.T) {
	f := newOperations(t, "walk")
	var pending model.Pending
	walks := f.Model("walk").In(&pending)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				walks.Inserted(1)
			}
		})
	}
	all.Wait()
	_ = pending.Committed(nil)
	f.expect(t, "inserts walk 800")
}
