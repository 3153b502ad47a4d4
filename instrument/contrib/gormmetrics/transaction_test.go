package gormmetrics_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

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

func TestATransactionThatCannotCommitIsNotCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		t.Run("its context ended", func(t *testing.T) {
			k := open(t, gorm.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			tx := k.WithContext(ctx).Begin()
			must(t, tx.Create(&Dog{Name: "Rex"}).Error)
			cancel()
			if tx.Commit().Error == nil {
				t.Error("it was committed")
			}
			k.expect(t, count{})
		})
		t.Run("it was committed before", func(t *testing.T) {
			k := open(t, gorm.Config{})
			tx := k.Begin()
			must(t, tx.Create(&Dog{Name: "Rex"}).Error)
			must(t, tx.Commit().Error)
			if tx.Commit().Error == nil {
				t.Error("it was committed twice")
			}
			tx.Rollback()
			k.expect(t, count{"insert dog": 1})
		})
		t.Run("a deferred constraint fails at the commit", func(t *testing.T) {
			k := open(t, gorm.Config{})
			reference := "REFERENCES dogs (id) DEFERRABLE INITIALLY DEFERRED"
			must(t, k.Exec("CREATE TABLE bones (id integer PRIMARY KEY, dog_id bigint "+reference+")").Error)
			tx := k.Begin()
			must(t, tx.Create(&Tag{Text: "a"}).Error)
			must(t, tx.Exec("INSERT INTO bones VALUES (1, 99)").Error)
			if tx.Commit().Error == nil {
				t.Error("it was committed")
			}
			tx.Rollback()
			k.expect(t, count{})
		})
	})
}

// PostgreSQL answers the COMMIT of a transaction in which a statement failed by a rollback.
func TestATransactionThatPostgreSQLAbortedIsNotCounted(t *testing.T) {
	k := open(t, newPostgres(t), &gorm.Config{})
	tx := k.Begin()
	must(t, tx.Create(&Dog{Name: "Rex"}).Error)
	if tx.Create(&Dog{}).Error == nil {
		t.Fatal("a dog has no name")
	}
	if tx.Session(&gorm.Session{NewDB: true}).Commit().Error == nil {
		t.Error("it was committed")
	}
	k.expect(t, count{})
}

func TestTransactionsAtTheSameTimeDontMix(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{})
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				for i := range 5 {
					_ = k.Transaction(func(tx *gorm.DB) error {
						if err := tx.Create(&Dog{Name: "Rex"}).Error; err != nil {
							t.Error(err)
						}
						if (n+i)%2 == 0 {
							return errChangedMind
						}
						return nil
					})
				}
			})
		}
		all.Wait()
		k.expect(t, count{"insert dog": 20})
	})
}

// What is begun by others can't be followed to its end.
func TestATransactionOfSomeoneElseIsCountedAtOnceAndThatIsLoggedOnce(t *testing.T) {
	k := open(t, newPostgres(t), &gorm.Config{})
	pool, err := k.DB.DB()
	must(t, err)
	theirs, err := pool.BeginTx(t.Context(), nil)
	must(t, err)
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: theirs}), &gorm.Config{Logger: logger.Discard})
	must(t, err)
	must(t, db.Use(k.plugin))
	must(t, db.Create(&[]Dog{{Name: "Rex"}, {Name: "Bo"}}).Error)
	must(t, db.Delete(&Dog{}, "name = 'Bo'").Error)
	must(t, theirs.Rollback())
	k.expect(t, count{"insert dog": 2, "delete dog": 1})
	if logged := k.logged.String(); strings.Count(logged, "was not begun by the gorm.DB") != 1 {
		t.Errorf("logged: %s", logged)
	}
}
