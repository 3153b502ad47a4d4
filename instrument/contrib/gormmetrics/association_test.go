package gormmetrics_test

import (
	"testing"

	"gorm.io/gorm/clause"
)

func TestAnUpsertCountsAsAnInsertOfTheRowsItWrote(t *testing.T) {
	each(t, []scenario{
		{"all columns", func(t *testing.T, k *kennel) {
			must(t, k.Clauses(clause.OnConflict{UpdateAll: true}).Create(&Dog{ID: 1, Name: "Max"}).Error)
		}, count{"insert dog": 1}},
		{"some there, some new", func(t *testing.T, k *kennel) {
			must(t, k.Clauses(clause.OnConflict{
				Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"age"}),
			}).Create(&[]Dog{{ID: 1, Name: "Rex", Age: 4}, {ID: 10, Name: "Dee"}}).Error)
		}, count{"insert dog": 2}},
		{"what is there is left alone", func(t *testing.T, k *kennel) {
			result := k.Clauses(clause.OnConflict{DoNothing: true}).Create(&[]Dog{{Name: "Dee"}, {Name: "Eve"}})
			must(t, result.Error)
		}, count{"insert dog": 2}},
		{"save of a list", func(t *testing.T, k *kennel) {
			must(t, k.Save(&[]Dog{{ID: 1, Name: "Rex", Age: 4}, {ID: 10, Name: "Dee"}}).Error)
		}, count{"insert dog": 2}},
	})
}

func TestAssociationsCountAsTheirOwnModels(t *testing.T) {
	each(t, []scenario{
		{"created with their owner", func(t *testing.T, k *kennel) {
			must(t, k.Create(&Walker{ID: 10, Name: "Ben", Walks: []Walk{{Dog: &Dog{Name: "Dee", Collar: &Collar{}}}, {}}}).Error)
		}, count{"insert walker": 1, "insert walk": 2, "insert dog": 1, "insert collar": 1}},
		{"join rows have no model", func(t *testing.T, k *kennel) {
			must(t, k.Create(&Dog{ID: 10, Name: "Dee", Tags: []Tag{{Text: "a"}, {Text: "b"}}}).Error)
			must(t, k.Select("Tags").Delete(&Dog{ID: 10}).Error)
		}, count{"insert dog": 1, "insert tag": 2, "delete dog": 1}},
		{"those that were there are updated", func(t *testing.T, k *kennel) {
			walker := Walker{ID: 10, Name: "Ben", Walks: []Walk{{}, {}}}
			must(t, k.Create(&walker).Error)
			k.expect(t, count{"insert walker": 1, "insert walk": 2})
			walker.Walks = append(walker.Walks, Walk{Distance: 500})
			must(t, k.Save(&walker).Error)
		}, count{"update walker": 1, "insert walk": 1, "update walk": 2}},
		{"those that were there are left alone", func(t *testing.T, k *kennel) {
			tags := []Tag{{Text: "a"}, {Text: "b"}}
			must(t, k.Create(&tags).Error)
			must(t, k.Create(&Dog{ID: 10, Name: "Dee", Tags: append(tags, Tag{Text: "c"})}).Error)
			must(t, k.Create(&Walk{WalkerID: 1, Dog: &Dog{ID: 1, Name: "Rex"}}).Error)
		}, count{"insert tag": 3, "insert dog": 1, "insert walk": 1}},
		{"appended", func(t *testing.T, k *kennel) {
			must(t, k.Model(&Walker{ID: 1}).Association("Walks").Append(&Walk{}, &Walk{}))
		}, count{"insert walk": 2}},
		{"a key that a hook makes is a new row's", func(t *testing.T, k *kennel) {
			must(t, k.Save(&Dog{ID: 1, Name: "Rex", Collar: &Collar{}}).Error)
		}, count{"update dog": 1, "insert collar": 1}},
		{"taken away", func(t *testing.T, k *kennel) {
			dog := uint(1)
			must(t, k.Create(&[]Walk{{WalkerID: 1, DogID: &dog}, {WalkerID: 1, DogID: &dog}}).Error)
			must(t, k.Select("Walks").Delete(&Walker{ID: 1}).Error)
		}, count{"insert walk": 2, "delete walk": 2, "delete walker": 1}},
	})
}
