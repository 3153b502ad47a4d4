package gormmetrics_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/glebarez/sqlite"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/gormmetrics"
	"gorm.io/gorm"
)

func Example() {
	if err := walkDogs(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// model_deletes_total{model="guest"} 0
	// model_inserts_total{model="guest"} 2
	// model_updates_total{model="guest"} 1
}

// Guest is a dog that stays for a while.
type Guest struct {
	ID   uint
	Name string
	Age  int
}

func walkDogs() error {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	plugin, err := gormmetrics.New(m, gormmetrics.Options{Models: []any{&Guest{}}})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "guests")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := gorm.Open(sqlite.Open(filepath.Join(dir, "guests.db")))
	if err != nil {
		return err
	}
	if pool, err := db.DB(); err == nil {
		defer func() { _ = pool.Close() }()
	}
	if err := db.Use(plugin); err != nil {
		return err
	}
	if err := db.AutoMigrate(&Guest{}); err != nil {
		return err
	}

	if err := db.Create(&[]Guest{{Name: "Rex"}, {Name: "Bo"}}).Error; err != nil {
		return err
	}
	if err := db.Model(&Guest{}).Where("name = ?", "Bo").Update("age", 3).Error; err != nil {
		return err
	}
	// What is rolled back never happened.
	_ = db.Transaction(func(tx *gorm.DB) error {
		tx.Delete(&Guest{}, "name = ?", "Rex")
		return errors.New("he stays")
	})

	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "model_") {
			fmt.Print(line)
		}
	}
	return nil
}
