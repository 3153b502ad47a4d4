package store

import (
	"context"

	"gorm.io/gorm"
)

// listed bounds what a page shows.
const listed = 500

// Walkers lists the walkers by name, at most 500.
func (s *Store) Walkers(ctx context.Context) (walkers []Walker, err error) {
	err = s.db.WithContext(ctx).Order("name, id").Limit(listed).Find(&walkers).Error
	return walkers, err
}

// Dogs lists the dogs by name, at most 500.
func (s *Store) Dogs(ctx context.Context) (dogs []Dog, err error) {
	err = s.db.WithContext(ctx).Order("name, id").Limit(listed).Find(&dogs).Error
	return dogs, err
}

// AddWalker saves a new walker and returns it with its id.
func (s *Store) AddWalker(ctx context.Context, w Walker) (Walker, error) {
	err := s.db.WithContext(ctx).Create(&w).Error
	return w, err
}

// AddDog saves a new dog and returns it with its id. A dog without a size is of the default size.
func (s *Store) AddDog(ctx context.Context, d Dog) (Dog, error) {
	err := s.db.WithContext(ctx).Create(&d).Error
	return d, err
}

// DeleteWalker deletes a walker and with it all of its walks. ErrNotFound if there is none of that id.
func (s *Store) DeleteWalker(ctx context.Context, id int64) error {
	return deleted(s.db.WithContext(ctx).Delete(&Walker{}, id))
}

// DeleteDog deletes a dog and with it all of its walks. ErrNotFound if there is none of that id.
func (s *Store) DeleteDog(ctx context.Context, id int64) error {
	return deleted(s.db.WithContext(ctx).Delete(&Dog{}, id))
}

func deleted(result *gorm.DB) error {
	if result.Error == nil && result.RowsAffected == 0 {
		return ErrNotFound
	}
	return result.Error
}
