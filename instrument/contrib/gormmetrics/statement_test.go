package gormmetrics_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A scenario is something that an application does with GORM, after three dogs and a walker were created.
type scenario struct {
	name string
	do   func(t *testing.T, k *kennel)
	want count
}

func each(t *testing.T, scenarios []scenario) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{})
		for _, s := range scenarios {
			t.Run(s.name, func(t *testing.T) {
				for _, table := range []string{"walks", "collars", "dog_tags", "tags", "dogs", "walkers", "vets", "kennel_visits"} {
					must(t, k.Exec("DELETE FROM "+table).Error)
				}
				if k.Name() == "postgres" { // where a key that is given does not move the sequence
					must(t, k.Exec("SELECT setval('dogs_id_seq', 1000), setval('walkers_id_seq', 1000)").Error)
				}
				must(t, k.Create(&[]Dog{{ID: 1, Name: "Rex"}, {ID: 2, Name: "Bo"}, {ID: 3, Name: "Cy"}}).Error)
				must(t, k.Create(&Walker{ID: 1, Name: "Ann"}).Error)
				k.counts(t)
				s.do(t, k)
				k.expect(t, s.want)
			})
		}
	})
}

func TestRowsAreCountedAfterTheStatementSucceeded(t *testing.T) {
	each(t, []scenario{
		{"create one", func(t *testing.T, k *kennel) {
			must(t, k.Create(&Dog{ID: 10, Name: "Dee"}).Error)
		}, count{"insert dog": 1}},
		{"create many at once", func(t *testing.T, k *kennel) {
			must(t, k.Create(&[]*Dog{{ID: 10, Name: "Dee"}, {ID: 11, Name: "Eve"}}).Error)
		}, count{"insert dog": 2}},
		{"create in batches", func(t *testing.T, k *kennel) {
			tags := make([]Tag, 25)
			must(t, k.CreateInBatches(&tags, 10).Error)
		}, count{"insert tag": 25}},
		{"create from a map", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Dog{}).Create(map[string]any{"ID": 10, "Name": "Dee"}).Error)
		}, count{"insert dog": 1}},
		{"create from maps, by the table's name", func(t *testing.T, k *kennel) {
			must(t, k.Table("dogs").Create([]map[string]any{{"id": 10, "name": "Dee"}, {"id": 11, "name": "Eve"}}).Error)
		}, count{"insert dog": 2}},
		{"first or create creates", func(t *testing.T, k *kennel) {
			must(t, k.Where(Tag{Text: "new"}).FirstOrCreate(&Tag{}).Error)
			must(t, k.Where(Tag{Text: "new"}).FirstOrCreate(&Tag{}).Error)
		}, count{"insert tag": 1}},
		{"update one column of many", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Dog{}).Where("name <> ?", "Bo").Update("age", 5).Error)
		}, count{"update dog": 2}},
		{"update some columns", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Dog{ID: 1}).Updates(map[string]any{"age": 5, "name": "Max"}).Error)
		}, count{"update dog": 1}},
		{"update without hooks", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Dog{ID: 1}).UpdateColumn("age", gorm.Expr("age + 1")).Error)
			must(t, k.Session(&gorm.Session{SkipHooks: true}).Create(&Tag{Text: "a"}).Error)
		}, count{"update dog": 1, "insert tag": 1}},
		{"update by the table's name", func(t *testing.T, k *kennel) {
			must(t, k.Table("dogs").Where("id > 1").Update("age", 5).Error)
		}, count{"update dog": 2}},
		{"update that returns rows", func(t *testing.T, k *kennel) {
			var dogs []Dog
			must(t, k.Model(&dogs).Clauses(clause.Returning{}).Where("id > 1").Update("age", 5).Error)
		}, count{"update dog": 2}},
		{"save what is there", func(t *testing.T, k *kennel) {
			must(t, k.Save(&Dog{ID: 1, Name: "Max"}).Error)
		}, count{"update dog": 1}},
		{"save what is not there", func(t *testing.T, k *kennel) {
			must(t, k.Save(&Dog{Name: "Dee", ID: 10}).Error)
			must(t, k.Save(&Tag{Text: "a"}).Error)
		}, count{"insert dog": 1, "insert tag": 1}},
		{"delete one", func(t *testing.T, k *kennel) {
			must(t, k.Delete(&Dog{}, 1).Error)
		}, count{"delete dog": 1}},
		{"delete many", func(t *testing.T, k *kennel) {
			must(t, k.Where("id > 1").Delete(&Dog{}).Error)
		}, count{"delete dog": 2}},
		{"delete by the table's name", func(t *testing.T, k *kennel) {
			must(t, k.Table("dogs").Where("id > 1").Delete(nil).Error)
		}, count{"delete dog": 2}},
		{"delete that returns rows", func(t *testing.T, k *kennel) {
			must(t, k.Clauses(clause.Returning{}).Where("id > 1").Delete(&[]Dog{}).Error)
		}, count{"delete dog": 2}},
		{"delete that only marks", func(t *testing.T, k *kennel) {
			must(t, k.Create(&[]KennelVisit{{}, {}, {}}).Error)
			must(t, k.Where("1 = 1").Delete(&KennelVisit{}).Error)
		}, count{"insert kennel_visit": 3, "delete kennel_visit": 3}},
		{"delete for good what was marked", func(t *testing.T, k *kennel) {
			visit := KennelVisit{}
			must(t, k.Create(&visit).Error)
			must(t, k.Delete(&visit).Error)
			must(t, k.Unscoped().Delete(&visit).Error)
		}, count{"insert kennel_visit": 1, "delete kennel_visit": 2}},
		{"a session of prepared statements", func(t *testing.T, k *kennel) {
			session := k.Session(&gorm.Session{PrepareStmt: true})
			must(t, session.Create(&Dog{ID: 10, Name: "Dee"}).Error)
			must(t, session.Transaction(func(tx *gorm.DB) error {
				defer k.expect(t, count{"insert dog": 1})
				return tx.Create(&Dog{ID: 11, Name: "Eve"}).Error
			}))
		}, count{"insert dog": 1}},
		{"a session without default transactions", func(t *testing.T, k *kennel) {
			must(t, k.Session(&gorm.Session{SkipDefaultTransaction: true}).Create(&Dog{ID: 10, Name: "Dee"}).Error)
		}, count{"insert dog": 1}},
		{"a connection of its own", func(t *testing.T, k *kennel) {
			must(t, k.Connection(func(db *gorm.DB) error { return db.Create(&Dog{ID: 10, Name: "Dee"}).Error }))
		}, count{"insert dog": 1}},
	})
}

func TestNothingIsCountedForWhatWasNotWritten(t *testing.T) {
	failed := func(t *testing.T, err error) {
		t.Helper()
		if err == nil {
			t.Fatal("it succeeded")
		}
	}
	each(t, []scenario{
		{"a constraint is violated", func(t *testing.T, k *kennel) {
			failed(t, k.Create(&Dog{ID: 10}).Error)
			failed(t, k.Create(&[]Dog{{ID: 10, Name: "Dee"}, {ID: 11}}).Error)
			failed(t, k.Model(&Dog{}).Where("1 = 1").Update("name", "").Error)
		}, count{}},
		{"a key is there already", func(t *testing.T, k *kennel) {
			failed(t, k.Create(&Dog{ID: 1, Name: "Rex"}).Error)
		}, count{}},
		{"a later batch fails", func(t *testing.T, k *kennel) {
			failed(t, k.CreateInBatches(&[]Dog{{ID: 10, Name: "Dee"}, {ID: 11, Name: "Eve"}, {ID: 12}}, 1).Error)
		}, count{}},
		{"no row is found", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Dog{}).Where("id = 99").Update("age", 5).Error)
			must(t, k.Delete(&Dog{}, 99).Error)
		}, count{}},
		{"no column is updated", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Dog{ID: 1}).Updates(map[string]any{}).Error)
		}, count{}},
		{"no column is updated, of rows that were read before", func(t *testing.T, k *kennel) {
			chain := k.Model(&Dog{}).Where("id > 1")
			must(t, chain.Find(&[]Dog{}).Error)
			must(t, chain.Updates(map[string]any{}).Error)
		}, count{}},
		{"an update fails, of rows that were read before", func(t *testing.T, k *kennel) {
			chain := k.Session(&gorm.Session{SkipDefaultTransaction: true}).Model(&Dog{}).Where("id > 1")
			must(t, chain.Find(&[]Dog{}).Error)
			failed(t, chain.Update("name", "").Error)
		}, count{}},
		{"nothing is given", func(t *testing.T, k *kennel) {
			failed(t, k.Create(&[]Dog{}).Error)
			failed(t, k.Delete(&Dog{}).Error) // without a condition
		}, count{}},
		{"a conflict is ignored", func(t *testing.T, k *kennel) {
			must(t, k.Clauses(clause.OnConflict{DoNothing: true}).Create(&Dog{ID: 1, Name: "Rex"}).Error)
			must(t, k.Clauses(clause.OnConflict{DoNothing: true}).Create(&[]Dog{{ID: 1, Name: "Rex"}, {ID: 2, Name: "Bo"}}).Error)
		}, count{}},
		{"dry run", func(t *testing.T, k *kennel) {
			must(t, k.Session(&gorm.Session{DryRun: true}).Create(&Dog{ID: 10, Name: "Dee"}).Error)
			k.ToSQL(func(tx *gorm.DB) *gorm.DB { return tx.Where("1 = 1").Delete(&Dog{}) })
		}, count{}},
		{"reading", func(t *testing.T, k *kennel) {
			must(t, k.Find(&[]Dog{}).Error)
			must(t, k.First(&Dog{}, 1).Error)
		}, count{}},
		{"a hook fails before", func(t *testing.T, k *kennel) {
			failed(t, k.Create(&Collar{DogID: 1, Size: tooSmall}).Error)
		}, count{}},
		{"a hook fails after, and GORM rolls back", func(t *testing.T, k *kennel) {
			failed(t, k.Create(&Collar{DogID: 1, Size: tooLarge}).Error)
		}, count{}},
		{"a hook fails after, on a connection of its own", func(t *testing.T, k *kennel) {
			failed(t, k.Connection(func(db *gorm.DB) error { return db.Create(&Collar{DogID: 1, Size: tooLarge}).Error }))
		}, count{}},
		{"an association fails, and GORM rolls back", func(t *testing.T, k *kennel) {
			failed(t, k.Create(&Dog{ID: 10, Name: "Dee", Collar: &Collar{Size: tooLarge}}).Error)
		}, count{}},
		{"raw statements are not GORM's", func(t *testing.T, k *kennel) {
			must(t, k.Exec("UPDATE dogs SET age = 5").Error)
			must(t, k.Raw("DELETE FROM dogs WHERE id = 1 RETURNING id").Scan(&[]int{}).Error)
		}, count{}},
	})
}

func TestARowThatStaysAlthoughAHookFailedIsCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{SkipDefaultTransaction: true})
		must(t, k.Create(&Dog{ID: 1, Name: "Rex"}).Error)
		if k.Create(&Collar{DogID: 1, Size: tooLarge}).Error == nil {
			t.Fatal("the hook did not fail")
		}
		k.expect(t, count{"insert dog": 1, "insert collar": 1})
		var collars int64
		if must(t, k.Model(&Collar{}).Count(&collars).Error); collars != 1 {
			t.Errorf("%d collars are there", collars)
		}
	})
}

func TestAModelThatIsNotListedCountsAsOtherAndIsLoggedOnce(t *testing.T) {
	each(t, []scenario{{"vets", func(t *testing.T, k *kennel) {
		must(t, k.Create(&[]Vet{{}, {}}).Error)
		must(t, k.Table("vets").Where("1 = 1").Update("name", "Vi").Error)
		must(t, k.Where("1 = 1").Delete(&Vet{}).Error)
		if logged := k.logged.String(); strings.Count(logged, "level=WARN") != 1 || !strings.Contains(logged, "model=vet") {
			t.Errorf("logged: %s", logged)
		}
	}, count{"insert other": 2, "update other": 2, "delete other": 2}}})
}

func TestRawStatementsAreCountedByHand(t *testing.T) {
	each(t, []scenario{{"update", func(t *testing.T, k *kennel) {
		result := k.Exec("UPDATE dogs SET age = age + 1")
		must(t, result.Error)
		k.plugin.Model(k.DB, &Dog{}).Updated(result.RowsAffected)
		k.expect(t, count{"update dog": 3})

		tx := k.Begin()
		result = tx.Exec("DELETE FROM dogs WHERE id > 1")
		must(t, result.Error)
		k.plugin.Model(tx, Dog{}).Deleted(result.RowsAffected)
		k.expect(t, count{})
		must(t, tx.Commit().Error)
	}, count{"delete dog": 2}}})
}
