package gormmetrics_test

import (
	"errors"
	"testing"

	"gorm.io/gorm"
)

func dog(name string) *Dog { return &Dog{Name: name} }

func TestWhatIsRolledBackToASavepointIsNotCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{})
		for _, s := range []scenario{
			{"a nested transaction that fails", func(t *testing.T, k *kennel) {
				must(t, k.Transaction(func(tx *gorm.DB) error {
					must(t, tx.Create(dog("outer")).Error)
					if err := tx.Transaction(func(tx *gorm.DB) error {
						must(t, tx.Create(dog("inner")).Error)
						return errChangedMind
					}); !errors.Is(err, errChangedMind) {
						t.Error(err)
					}
					return tx.Create(&Tag{}).Error
				}))
			}, count{"insert dog": 1, "insert tag": 1}},
			{"a nested transaction that succeeds", func(t *testing.T, k *kennel) {
				must(t, k.Transaction(func(tx *gorm.DB) error {
					must(t, tx.Transaction(func(tx *gorm.DB) error { return tx.Create(dog("inner")).Error }))
					k.expect(t, count{})
					return tx.Create(dog("outer")).Error
				}))
			}, count{"insert dog": 2}},
			{"the outer transaction fails after the nested one", func(t *testing.T, k *kennel) {
				if err := k.Transaction(func(tx *gorm.DB) error {
					must(t, tx.Transaction(func(tx *gorm.DB) error { return tx.Create(dog("inner")).Error }))
					return errChangedMind
				}); !errors.Is(err, errChangedMind) {
					t.Error(err)
				}
			}, count{}},
			{"nested transactions without savepoints", func(t *testing.T, k *kennel) {
				session := k.Session(&gorm.Session{DisableNestedTransaction: true})
				must(t, session.Transaction(func(tx *gorm.DB) error {
					_ = tx.Transaction(func(tx *gorm.DB) error {
						must(t, tx.Create(dog("inner")).Error)
						return errChangedMind // which has no effect
					})
					return nil
				}))
			}, count{"insert dog": 1}},
			{"savepoints by hand", func(t *testing.T, k *kennel) {
				tx := k.Begin()
				must(t, tx.Create(dog("a")).Error)
				must(t, tx.SavePoint("one").Error)
				must(t, tx.Create(dog("b")).Error)
				must(t, tx.SavePoint("two").Error)
				must(t, tx.Create(&Tag{}).Error)
				must(t, tx.RollbackTo("one").Error) // and with it two
				must(t, tx.Model(&Dog{}).Where("name = 'a'").Update("age", 2).Error)
				must(t, tx.RollbackTo("one").Error) // is there still
				must(t, tx.Create(dog("c")).Error)
				must(t, tx.Commit().Error)
			}, count{"insert dog": 2}},
			{"savepoints by statements", func(t *testing.T, k *kennel) {
				tx := k.Begin()
				must(t, tx.Exec("SAVEPOINT one").Error)
				must(t, tx.Create(dog("a")).Error)
				must(t, tx.Exec("savepoint two;").Error)
				must(t, tx.Create(dog("b")).Error)
				must(t, tx.Exec("RELEASE SAVEPOINT two").Error)
				must(t, tx.Exec("SAVEPOINT three").Error)
				must(t, tx.Create(dog("c")).Error)
				must(t, tx.Exec(`ROLLBACK TO "three"`).Error)
				must(t, tx.Commit().Error)
			}, count{"insert dog": 2}},
		} {
			t.Run(s.name, func(t *testing.T) {
				must(t, k.Exec("DELETE FROM dogs").Error)
				k.counts(t)
				s.do(t, k)
				k.expect(t, s.want)
				var dogs int64
				if must(t, k.Model(&Dog{}).Count(&dogs).Error); float64(dogs) != s.want["insert dog"] {
					t.Errorf("%d dogs are in the database", dogs)
				}
			})
		}
	})
}

// SQLite goes on after a statement that failed, and GORM does not tell that one about a savepoint did.
func TestARollbackThatFailedForgetsNothing(t *testing.T) {
	k := open(t, newSQLite(t), &gorm.Config{})
	must(t, k.Transaction(func(tx *gorm.DB) error {
		must(t, tx.SavePoint("one").Error)
		must(t, tx.Create(dog("Rex")).Error)
		must(t, tx.Exec("RELEASE one").Error)
		tx.RollbackTo("one")
		tx.RollbackTo("two")
		return nil
	}))
	k.expect(t, count{"insert dog": 1})
}

func TestADryRunMakesNoSavepoint(t *testing.T) {
	k := open(t, newSQLite(t), &gorm.Config{})
	must(t, k.Transaction(func(tx *gorm.DB) error {
		must(t, tx.SavePoint("one").Error)
		must(t, tx.Create(dog("Rex")).Error)
		tx.Session(&gorm.Session{DryRun: true}).RollbackTo("one")
		return nil
	}))
	k.expect(t, count{"insert dog": 1})
}
