package store_test

import (
	"database/sql"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/dogwalk/store"
)

// before makes a database as the version of this program made it that counted versions in a table of its own, with two
// dogs, one walker, a walk that is complete and one that is not.
func before(t *testing.T, address database.Address) {
	t.Helper()
	statements, err := os.ReadFile("testdata/before_goose_" + address.Vendor() + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool(t, address).ExecContext(t.Context(), string(statements)); err != nil {
		t.Fatal(err)
	}
}

// pool connects without opening a store.
func pool(t *testing.T, address database.Address) *sql.DB {
	t.Helper()
	connector, err := address.Connector()
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

// wantVersions checks that each migration was applied once, whoever opened the database at the same time.
func wantVersions(t *testing.T, address database.Address) {
	t.Helper()
	rows, err := pool(t, address).QueryContext(t.Context(), "SELECT version_id, count(*) FROM goose_db_version GROUP BY version_id ORDER BY version_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got [][2]int
	for rows.Next() {
		var version, times int
		if err := rows.Scan(&version, &times); err != nil {
			t.Fatal(err)
		}
		got = append(got, [2]int{version, times})
	}
	if rows.Err() != nil || len(got) != 3 || got[0] != [2]int{0, 1} || got[1] != [2]int{1, 1} || got[2] != [2]int{2, 1} {
		t.Errorf("versions applied (version, times): %v, %v; want 0, 1 and 2 once each", got, rows.Err())
	}
}

func TestADatabaseOfTheVersionBeforeIsTakenOverWithoutLoss(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
		address := newDatabase(t)
		before(t, address)
		var wg sync.WaitGroup
		for range 4 { // as the workers of a service do after an upgrade
			wg.Go(func() {
				s, err := store.Open(t.Context(), store.Options{Address: address})
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			})
		}
		wg.Wait()
		wantVersions(t, address)

		now := time.Date(2025, 11, 20, 7, 30, 0, 0, time.UTC)
		s := open(t, store.Options{Address: address, Now: func() time.Time { return now }})
		nero, fips, edith := store.Dog{ID: 1, Name: "Nero", Size: store.ExtraLarge, Age: 8}, store.Dog{ID: 2, Name: "Fips", Size: store.ExtraSmall, Age: 1},
			store.Walker{ID: 1, Name: "Edith", Email: "edith@dogwalk.example"}
		if dogs, err := s.Dogs(t.Context()); err != nil || len(dogs) != 2 || dogs[0] != fips || dogs[1] != nero {
			t.Errorf("dogs = %+v, %v; want those that there were, and no others", dogs, err)
		}
		if walkers, err := s.Walkers(t.Context()); err != nil || len(walkers) != 1 || walkers[0] != edith {
			t.Errorf("walkers = %+v, %v; want the one that there was", walkers, err)
		}
		want := store.Walk{ID: 1, DogID: 1, Dog: nero, WalkerID: 1, Walker: edith, Distance: 2500,
			StartTime: time.Date(2025, 11, 19, 8, 30, 0, 250e6, time.UTC), EndTime: time.Date(2025, 11, 19, 9, 15, 0, 0, time.UTC)}
		if complete, err := s.CompleteWalks(t.Context(), 9); err != nil || len(complete) != 1 || complete[0] != want {
			t.Errorf("complete walks = %+v, %v; want %+v", complete, err, want)
		}
		if until, err := s.ClosedUntil(t.Context()); err != nil || until.Hour() != 12 {
			t.Errorf("closed until %v, %v; want 12:00", until, err)
		}

		// Life goes on: what was begun before can be ended, new rows get new numbers, deletes cascade.
		if err := s.CompleteWalk(t.Context(), 2, 300); err != nil {
			t.Error(err)
		}
		if id, _, err := s.StartWalk(t.Context(), fips.ID, edith.ID); err != nil || id != 3 {
			t.Errorf("the next walk is %d, %v; want 3", id, err)
		}
		if err := s.DeleteDog(t.Context(), nero.ID); err != nil {
			t.Error(err)
		}
		if complete, err := s.CompleteWalks(t.Context(), 9); err != nil || len(complete) != 1 || complete[0].ID != 2 {
			t.Errorf("complete walks without Nero's = %+v, %v; want walk 2", complete, err)
		}
	})
}
