package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// precision is what both databases keep of a time.
const precision = time.Microsecond

// StartWalk saves a walk that starts now and returns its id. ErrUnknownDogOrWalker if one of them does not exist.
// When it returns without an error the walk is committed.
func (s *Store) StartWalk(ctx context.Context, dogID, walkerID int64) (id int64, start time.Time, err error) {
	walk := Walk{DogID: dogID, WalkerID: walkerID, StartTime: s.clock()}
	err = s.db.WithContext(ctx).Create(&walk).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = ErrUnknownDogOrWalker
	}
	return walk.ID, walk.StartTime, err
}

// CompleteWalk ends a walk now, after so many metres. ErrNotFound if there is none of that id, ErrAlreadyComplete if
// somebody was faster: of several at once exactly one succeeds.
func (s *Store) CompleteWalk(ctx context.Context, id int64, metres int) error {
	// One statement: a walk that was read before it is written could be completed twice.
	result := s.db.WithContext(ctx).Model(&Walk{}).Where("id = ? AND end_time IS NULL", id).
		Select("end_time", "distance").Updates(Walk{EndTime: s.clock(), Distance: metres})
	if result.Error != nil || result.RowsAffected == 1 {
		return result.Error
	}
	if _, err := s.Walk(ctx, id); err != nil {
		return err
	}
	return ErrAlreadyComplete
}

// Walk returns one walk. ErrNotFound if there is none of that id.
func (s *Store) Walk(ctx context.Context, id int64) (Walk, error) {
	walks, err := s.walks(ctx, 1, func(db *gorm.DB) *gorm.DB { return db.Where("walks.id = ?", id) })
	if err != nil {
		return Walk{}, err
	}
	if len(walks) == 0 {
		return Walk{}, ErrNotFound
	}
	return walks[0], nil
}

// WalksInProgress lists walks that have not ended, the newest first, at most limit.
func (s *Store) WalksInProgress(ctx context.Context, limit int) ([]Walk, error) {
	return s.walks(ctx, limit, func(db *gorm.DB) *gorm.DB {
		return db.Where("walks.end_time IS NULL").Order("walks.start_time DESC, walks.id DESC")
	})
}

// CompleteWalks lists walks that have ended, the last to end first, at most limit.
func (s *Store) CompleteWalks(ctx context.Context, limit int) ([]Walk, error) {
	return s.walks(ctx, limit, func(db *gorm.DB) *gorm.DB {
		return db.Where("walks.end_time IS NOT NULL").Order("walks.end_time DESC, walks.id DESC")
	})
}

// walks reads walks with their dogs and walkers in one query.
func (s *Store) walks(ctx context.Context, limit int, which func(*gorm.DB) *gorm.DB) ([]Walk, error) {
	var walks []Walk
	err := which(s.db.WithContext(ctx).InnerJoins("Dog").InnerJoins("Walker")).Limit(limit).Find(&walks).Error
	for i := range walks { // PostgreSQL's come in the zone of this machine
		walks[i].StartTime, walks[i].EndTime = walks[i].StartTime.UTC(), walks[i].EndTime.UTC()
	}
	return walks, err
}

// NewestStart is when the newest walk started; the zero time if there has been none.
func (s *Store) NewestStart(ctx context.Context) (time.Time, error) {
	var newest Walk
	err := s.db.WithContext(ctx).Select("start_time").Order("start_time DESC").Limit(1).Find(&newest).Error
	return newest.StartTime.UTC(), err
}

// CloseUntil closes the kennel until a time, or open it by a time that has passed: while it is closed, no walk should start.
func (s *Store) CloseUntil(ctx context.Context, until time.Time) error {
	return s.db.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).
		Create(&closing{ID: 1, Until: until.UTC().Truncate(precision)}).Error
}

// ClosedUntil is when the kennel opens again; the zero time if it is open.
func (s *Store) ClosedUntil(ctx context.Context) (time.Time, error) {
	var row closing
	err := s.db.WithContext(ctx).Limit(1).Find(&row).Error
	if err != nil || !row.Until.After(s.now()) {
		return time.Time{}, err
	}
	return row.Until.UTC(), nil
}

func (s *Store) clock() time.Time { return s.now().UTC().Truncate(precision) }
