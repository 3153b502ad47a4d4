package gormmetrics_test

import (
	"testing"

	"github.com/truecount/truecount/instrument/model"
	"gorm.io/gorm"
)

// Package model has no database in its tests, because the core has no dependencies; these are its tests with real ones.
func TestRowsAreCountedWithoutGORM(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{})
		db, err := k.DB.DB()
		must(t, err)
		ctx := t.Context()
		dogs := k.plugin.Operations().Model("dog")

		_, err = dogs.InsertedBy(db.ExecContext(ctx, "INSERT INTO dogs (id, name) VALUES (1, 'Rex'), (2, 'Bo'), (3, 'Cy')"))
		must(t, err)
		_, err = dogs.UpdatedBy(db.ExecContext(ctx, "UPDATE dogs SET age = 5 WHERE id > 1"))
		must(t, err)
		_, err = dogs.UpdatedBy(db.ExecContext(ctx, "UPDATE dogs SET age = 5 WHERE id > 99"))
		must(t, err)
		if _, err = dogs.InsertedBy(db.ExecContext(ctx, "INSERT INTO dogs (id, name) VALUES (4, 'Dee'), (1, 'Rex')")); err == nil {
			t.Error("a key is there twice")
		}
		k.expect(t, count{"insert dog": 3, "update dog": 2})

		for _, end := range []struct {
			name   string
			commit bool
			want   count
		}{{"rolled back", false, count{}}, {"committed", true, count{"delete dog": 1, "insert dog": 1}}} {
			t.Run(end.name, func(t *testing.T) {
				tx, err := db.BeginTx(ctx, nil)
				must(t, err)
				var pending model.Pending
				_, err = dogs.In(&pending).DeletedBy(tx.ExecContext(ctx, "DELETE FROM dogs WHERE id = 3"))
				must(t, err)
				_, err = dogs.In(&pending).InsertedBy(tx.ExecContext(ctx, "INSERT INTO dogs (id, name) VALUES (10, 'Eve')"))
				must(t, err)
				k.expect(t, count{})
				if end.commit {
					must(t, pending.Committed(tx.Commit()))
				} else {
					must(t, tx.Rollback())
				}
				k.expect(t, end.want)
			})
		}
	})
}
