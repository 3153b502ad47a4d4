package gormmetrics_test

import (
	"errors"
	"testing"

	"gorm.io/gorm"
)

type opener = func(t *testing.T, config gorm.Config) *kennel

func TestATransactionIsCountedWhenItIsCommitted(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		for name, test := range map[string]func(t *testing.T, k *kennel){
			"db.Transaction": func(t *testing.T, k *kennel) {
				must(t, k.Transaction(func(tx *gorm.DB) error {
					must(t, tx.Create(&Dog{Name: "Rex"}).Error)
					must(t, tx.Create(&[]Dog{{Name: "Bo"}, {Name: "Cy"}}).Error)
					must(t, tx.Model(&Dog{}).Where("name <> ?", "Bo").Update("age", 3).Error)
					must(t, tx.Where("name = ?", "Cy").Delete(&Dog{}).Error)
					k.expect(t, count{})
					return nil
				}))
			},
			"db.Begin": func(t *testing.T, k *kennel) {
				tx := k.Begin()
				must(t, tx.Error)
				must(t, tx.Create(&[]Dog{{Name: "Rex"}, {Name: "Bo"}, {Name: "Cy"}}).Error)
				must(t, tx.Model(&Dog{}).Where("name <> ?", "Bo").Update("age", 3).Error)
				must(t, tx.Where("name = ?", "Cy").Delete(&Dog{}).Error)
				k.expect(t, count{})
				must(t, tx.Commit().Error)
			},
		} {
			t.Run(name, func(t *testing.T) {
				k := open(t, gorm.Config{})
				test(t, k)
				k.expect(t, count{"insert dog": 3, "update dog": 2, "delete dog": 1})
			})
		}
	})
}

func TestATransactionThatIsRolledBackIsNotCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{})
		err := k.Transaction(func(tx *gorm.DB) error {
			must(t, tx.Create(&Dog{Name: "Rex"}).Error)
			return errChangedMind
		})
		if !errors.Is(err, errChangedMind) {
			t.Fatal(err)
		}
		k.expect(t, count{})

		func() {
			defer func() { _ = recover() }()
			_ = k.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Create(&Dog{Name: "Rex"}).Error)
				panic("bitten")
			})
		}()
		k.expect(t, count{})

		tx := k.Begin()
		must(t, tx.Create(&Dog{Name: "Rex"}).Error)
		must(t, tx.Rollback().Error)
		k.expect(t, count{})
	})
}
