package database_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
)

func TestALockIsHeldByOneAtATime(t *testing.T) {
	for name, newAddress := range map[string]func() database.Address{
		"sqlite":   func() database.Address { return database.SQLite(filepath.Join(t.TempDir(), "d.db")) },
		"postgres": func() database.Address { return databasetest.Start(t).NewDatabase(t).Address() },
	} {
		t.Run(name, func(t *testing.T) {
			address := newAddress()
			var holders atomic.Int64
			var group sync.WaitGroup
			for range 4 {
				db := connect(t, address)
				group.Go(func() {
					for range 10 {
						unlock, err := address.Lock(t.Context(), db)
						if err != nil {
							t.Error(err)
							return
						}
						if n := holders.Add(1); n != 1 {
							t.Errorf("%d hold the lock at once", n)
						}
						if err := db.PingContext(t.Context()); err != nil { // the holder works meanwhile
							t.Error(err)
						}
						holders.Add(-1)
						if err := unlock(); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}

func TestWhoWaitsForALockGivesUpWithItsContext(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "d.db"))
	unlock, err := address.Lock(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := address.Lock(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v, want that the time is over", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	unlock, err = address.Lock(t.Context(), nil)
	if err != nil {
		t.Errorf("after it was unlocked: %v", err)
	} else if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestALockThatCannotBeTakenIsAnErrorThatNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.db")
	if err := os.Mkdir(path+"-lock", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := database.SQLite(path).Lock(t.Context(), nil); err == nil || !strings.Contains(err.Error(), path+"-lock") {
		t.Errorf("err = %v, want it to name the file", err)
	}
}
