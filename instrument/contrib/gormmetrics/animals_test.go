package gormmetrics_test

import (
	"errors"
	"sync/atomic"

	"gorm.io/gorm"
)

// The models of the tests: walkers walk dogs, and dogs wear tags.
type (
	Walker struct {
		ID    uint
		Name  string `gorm:"uniqueIndex"`
		Walks []Walk
	}
	Dog struct {
		ID     uint
		Name   string `gorm:"not null;check:name <> ''"`
		Age    int
		Collar *Collar
		Tags   []Tag `gorm:"many2many:dog_tags"`
	}
	Walk struct {
		ID       uint
		WalkerID uint
		DogID    *uint
		Dog      *Dog
		Distance int
	}
	Collar struct {
		ID    uint
		DogID uint
		Size  int
	}
	Tag struct {
		ID   uint
		Text string
	}
	// KennelVisit is only marked as deleted.
	KennelVisit struct {
		ID        uint
		Note      string
		DeletedAt gorm.DeletedAt
	}
	// Vet is a model that the plugin was not given.
	Vet struct {
		ID   uint
		Name string
	}
)

// Collars of these sizes fail in hooks.
const (
	tooSmall = -1
	tooLarge = 1000
)

func (c *Collar) BeforeCreate(*gorm.DB) error {
	if c.Size == tooSmall {
		return errors.New("too small")
	}
	if c.ID == 0 {
		c.ID = uint(nextCollar.Add(1))
	}
	return nil
}

func (c *Collar) AfterCreate(*gorm.DB) error {
	if c.Size == tooLarge {
		return errors.New("too large")
	}
	return nil
}

var nextCollar atomic.Int64

var listed = []any{&Walker{}, Dog{}, &Walk{}, &Collar{}, &Tag{}, &KennelVisit{}}
