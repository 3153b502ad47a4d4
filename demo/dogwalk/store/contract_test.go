package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/dogwalk/store"
)

func TestEveryDatabaseKeepsTheSameContract(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
		for name, test := range map[string]func(t *testing.T, s *store.Store, clock *clock){
			"an empty database gets dogs and walkers":    seeded,
			"a dog without a size is of medium size":     defaultSize,
			"a dog of an unknown size is refused":        unknownSize,
			"a walk starts at distance 0, in progress":   startWalk,
			"a walk of an unknown dog or walker":         startUnknown,
			"a complete walk has its distance and end":   completeWalk,
			"a walk completes once":                      completeTwice,
			"of many who complete a walk one succeeds":   completeAtOnce,
			"an unknown walk is not found":               unknownWalk,
			"deleting a dog deletes its walks":           deleteDog,
			"deleting a walker deletes the walks":        deleteWalker,
			"the newest start is the newest walk's":      newestStart,
			"walks are listed newest first, up to limit": listed,
			"the kennel closes and opens again":          closing,
		} {
			t.Run(name, func(t *testing.T) {
				c := &clock{at: time.Date(2025, 11, 20, 6, 0, 0, 123456789, time.FixedZone("", 3600))}
				test(t, open(t, store.Options{Address: newDatabase(t), Now: c.now}), c)
			})
		}
	})
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func seeded(t *testing.T, s *store.Store, _ *clock) {
	dogs, err := s.Dogs(t.Context())
	if err != nil || len(dogs) != 6 {
		t.Fatalf("dogs = %v, %v", dogs, err)
	}
	walkers, err := s.Walkers(t.Context())
	if err != nil || len(walkers) != 4 {
		t.Fatalf("walkers = %v, %v", walkers, err)
	}
	if got, want := dogs[0], (store.Dog{ID: dogs[0].ID, Name: "Bolt", Size: store.Medium, Age: 4}); got != want {
		t.Errorf("first dog = %+v, want %+v", got, want)
	}
}

func defaultSize(t *testing.T, s *store.Store, _ *clock) {
	dog, err := s.AddDog(t.Context(), store.Dog{Name: "Rex", Age: 1})
	if err != nil {
		t.Fatal(err)
	}
	if dog.Size != "md" || dog.ID == 0 {
		t.Errorf("dog = %+v, want size md and an id", dog)
	}
}

func unknownSize(t *testing.T, s *store.Store, _ *clock) {
	if _, err := s.AddDog(t.Context(), store.Dog{Name: "Rex", Size: "xxl"}); err == nil {
		t.Error("a dog of size xxl was saved")
	}
}

// begin starts a walk of the first dog with the first walker.
func begin(t *testing.T, s *store.Store) (walk store.Walk) {
	t.Helper()
	dogs, err := s.Dogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	walkers, err := s.Walkers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := s.StartWalk(t.Context(), dogs[0].ID, walkers[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	walk, err = s.Walk(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return walk
}

func startWalk(t *testing.T, s *store.Store, c *clock) {
	walk := begin(t, s)
	if walk.Distance != 0 || walk.IsComplete() || !walk.InProgress() || !walk.EndTime.IsZero() {
		t.Errorf("walk = %+v, want it in progress at 0 m", walk)
	}
	if want := c.at.UTC().Truncate(time.Microsecond); !walk.StartTime.Equal(want) {
		t.Errorf("start = %v, want %v", walk.StartTime, want)
	}
	if walk.Dog.Name != "Bolt" || walk.Walker.Email != "ada@dogwalk.example" {
		t.Errorf("walk of %+v with %+v", walk.Dog, walk.Walker)
	}
}

func startUnknown(t *testing.T, s *store.Store, _ *clock) {
	walk := begin(t, s)
	if _, _, err := s.StartWalk(t.Context(), 9999, walk.Walker.ID); !errors.Is(err, store.ErrUnknownDogOrWalker) {
		t.Errorf("unknown dog: %v", err)
	}
	if _, _, err := s.StartWalk(t.Context(), walk.Dog.ID, 9999); !errors.Is(err, store.ErrUnknownDogOrWalker) {
		t.Errorf("unknown walker: %v", err)
	}
}

func completeWalk(t *testing.T, s *store.Store, c *clock) {
	id := begin(t, s).ID
	c.at = c.at.Add(25 * time.Minute)
	if err := s.CompleteWalk(t.Context(), id, 1250); err != nil {
		t.Fatal(err)
	}
	walk, err := s.Walk(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if walk.Distance != 1250 || !walk.IsComplete() || walk.InProgress() || walk.Duration(c.at) != 25*time.Minute {
		t.Errorf("walk = %+v, want 1250 m in 25 minutes, complete", walk)
	}
}

func completeTwice(t *testing.T, s *store.Store, _ *clock) {
	id := begin(t, s).ID
	if err := s.CompleteWalk(t.Context(), id, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.CompleteWalk(t.Context(), id, 999); !errors.Is(err, store.ErrAlreadyComplete) {
		t.Errorf("second completion: %v", err)
	}
	if walk, err := s.Walk(t.Context(), id); err != nil || walk.Distance != 100 {
		t.Errorf("walk = %+v, %v; want the first distance", walk, err)
	}
}

func completeAtOnce(t *testing.T, s *store.Store, _ *clock) {
	id := begin(t, s).ID
	results := make(chan error, 10)
	for range cap(results) {
		go func() { results <- s.CompleteWalk(t.Context(), id, 100) }()
	}
	succeeded := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			succeeded++
		case !errors.Is(err, store.ErrAlreadyComplete):
			t.Error(err)
		}
	}
	if succeeded != 1 {
		t.Errorf("%d completions succeeded, want 1", succeeded)
	}
}

func unknownWalk(t *testing.T, s *store.Store, _ *clock) {
	if _, err := s.Walk(t.Context(), 4711); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Walk: %v", err)
	}
	if err := s.CompleteWalk(t.Context(), 4711, 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("CompleteWalk: %v", err)
	}
}

func deleteDog(t *testing.T, s *store.Store, _ *clock) {
	walk := begin(t, s)
	if err := s.DeleteDog(t.Context(), walk.Dog.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Walk(t.Context(), walk.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the walk of the deleted dog: %v, want not found", err)
	}
	if err := s.DeleteDog(t.Context(), walk.Dog.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
}

func deleteWalker(t *testing.T, s *store.Store, _ *clock) {
	walk := begin(t, s)
	if err := s.DeleteWalker(t.Context(), walk.Walker.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Walk(t.Context(), walk.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the walk of the deleted walker: %v, want not found", err)
	}
	if err := s.DeleteWalker(t.Context(), walk.Walker.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
}

func newestStart(t *testing.T, s *store.Store, c *clock) {
	if newest, err := s.NewestStart(t.Context()); err != nil || !newest.IsZero() {
		t.Errorf("without a walk: %v, %v; want the zero time", newest, err)
	}
	first := begin(t, s)
	c.at = c.at.Add(-time.Hour)
	begin(t, s)
	if newest, err := s.NewestStart(t.Context()); err != nil || !newest.Equal(first.StartTime) {
		t.Errorf("newest = %v, %v; want %v", newest, err, first.StartTime)
	}
}

func listed(t *testing.T, s *store.Store, c *clock) {
	var ids []int64
	for range 5 {
		c.at = c.at.Add(100 * time.Millisecond)
		ids = append(ids, begin(t, s).ID)
	}
	for _, id := range []int64{ids[3], ids[1]} {
		c.at = c.at.Add(100 * time.Millisecond)
		if err := s.CompleteWalk(t.Context(), id, 1); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, walks []store.Walk, err error, want ...int64) {
		t.Helper()
		var got []int64
		for _, w := range walks {
			got = append(got, w.ID)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
	walks, err := s.WalksInProgress(t.Context(), 2)
	check("in progress", walks, err, ids[4], ids[2])
	walks, err = s.CompleteWalks(t.Context(), 9)
	check("complete", walks, err, ids[1], ids[3])
}

func closing(t *testing.T, s *store.Store, c *clock) {
	until := c.at.Add(10 * time.Minute).UTC().Truncate(time.Microsecond)
	for range 2 { // the second time it is changed, not added
		if err := s.CloseUntil(t.Context(), until); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.ClosedUntil(t.Context()); err != nil || !got.Equal(until) {
		t.Errorf("closed until %v, %v; want %v", got, err, until)
	}
	c.at = c.at.Add(11 * time.Minute)
	if got, err := s.ClosedUntil(t.Context()); err != nil || !got.IsZero() {
		t.Errorf("after its time: closed until %v, %v", got, err)
	}
}
