package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
	"github.com/truecount/truecount/demo/servicewindow/store"
	"github.com/truecount/truecount/demo/servicewindow/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each runs a test over a new database of each kind.
func each(t *testing.T, test func(t *testing.T, address database.Address)) {
	t.Run("sqlite", func(t *testing.T) { test(t, database.SQLite(filepath.Join(t.TempDir(), "s w?#%.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, databasetest.Start(t).NewDatabase(t).Address()) })
}

func open(t *testing.T, address database.Address) *store.Store {
	t.Helper()
	s, err := store.New(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// byHand is a connection of somebody else's, who writes SQL.
func byHand(t *testing.T, address database.Address) *sql.DB {
	t.Helper()
	connector, err := address.Connector()
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func names(t *testing.T, s *store.Store) string {
	t.Helper()
	all, err := s.Components(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

const seeded = "back-office checkout newsletter nightly-batch"

func component(name string) store.Component {
	berlin, err := window.ParseZone("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return store.Component{Name: name, Labels: map[string]string{"team": "web", "quoted": `"'; DROP`},
		Window: window.Window{Days: window.On(time.Saturday), Start: 22*60 + 30, Length: 90 * time.Minute, Zone: berlin}}
}

func TestAComponentIsKeptAsItWasAddedAndGoesWhenItIsDeleted(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		s := open(t, address)
		if got := names(t, s); got != seeded {
			t.Fatalf("a new table has %s, want %s", got, seeded)
		}
		want := component("a-shop")
		var err error
		if want.ID, err = s.Add(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		all, err := open(t, address).Components(t.Context()) // as another process
		if err != nil || len(all) != 5 || fmt.Sprint(all[0]) != fmt.Sprint(want) {
			t.Errorf("kept %v, %v; want %v first", all, err, want)
		}
		if err := s.Delete(t.Context(), want.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), want.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a second delete: %v", err)
		}
		if got := names(t, s); got != seeded {
			t.Errorf("afterwards: %s", got)
		}
	})
}

func TestNamesThatGiveTheSameMetricsAreTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		s := open(t, address)
		for _, name := range []string{"back-office", "back_office"} {
			if _, err := s.Add(t.Context(), component(name)); !errors.Is(err, store.ErrTaken) {
				t.Errorf("%s: %v, want that it is taken", name, err)
			}
		}
	})
}

func TestNothingIsAskedOfADatabaseThatHasNotBeenPrepared(t *testing.T) {
	s, err := store.New(database.SQLite(filepath.Join(t.TempDir(), "s.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, listErr := s.Components(t.Context())
	_, addErr := s.Add(t.Context(), component("a"))
	for what, err := range map[string]error{"list": listErr, "add": addErr, "delete": s.Delete(t.Context(), 1), "ping": s.Ping(t.Context())} {
		if !errors.Is(err, store.ErrNotReady) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestManyStoresPrepareOneNewDatabaseAtOnceAndSeedItOnce(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		var wg sync.WaitGroup
		for range 8 {
			s, err := store.New(address)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				defer s.Close()
				for deadline := time.Now().Add(time.Minute); ; { // as its caller does: SQLite's file may be busy
					err := s.Prepare(t.Context())
					if err == nil {
						return
					}
					if database.Hopeless(err) || time.Now().After(deadline) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		s := open(t, address)
		if got := names(t, s); got != seeded {
			t.Errorf("it has %s", got)
		}
		if err := s.Prepare(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

func TestDeletedSeedsDoNotComeBack(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "s.db"))
	s := open(t, address)
	all, err := s.Components(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if err := s.Delete(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, open(t, address)); got != "" {
		t.Errorf("after a restart: %s", got)
	}
}

func TestARowThatSomebodyElseWroteIsReadAndNonsenseInItIsSaid(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		s := open(t, address)
		db := byHand(t, address)
		for name, c := range map[string]struct{ labels, days, start, zone, problem string }{
			"good":         {`{"team":"web"}`, "sat,sun", "22:00", "Asia/Tokyo", ""},
			"no-labels":    {`team=web`, "sat", "22:00", "UTC", "no labels"},
			"label-number": {`{"tier":1}`, "sat", "22:00", "UTC", "no labels"},
			"long-labels":  {`{"a":"` + strings.Repeat("x", 5000) + `"}`, "sat", "22:00", "UTC", "5008 bytes"},
			"no-day":       {`{}`, "someday", "22:00", "UTC", "not a day"},
			"no-time":      {`{}`, "sat", "25:00", "UTC", "not a time of day"},
			"no-zone":      {`{}`, "sat", "22:00", "Mars/Base", "not a time zone"},
			"null-labels":  {`null`, "sat", "22:00", "UTC", ""},
		} {
			if _, err := db.ExecContext(t.Context(), `INSERT INTO components (name, labels, weekdays, start_time, duration_minutes, time_zone)
				VALUES ($1, $2, $3, $4, 60, $5)`, name, c.labels, c.days, c.start, c.zone); err != nil {
				t.Fatal(err)
			}
			all, err := s.Components(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range all {
				if got.Name == name && (c.problem == "") != (got.Problem == nil) ||
					got.Name == name && got.Problem != nil && !strings.Contains(got.Problem.Error(), c.problem) {
					t.Errorf("%s: problem %v, want %q", name, got.Problem, c.problem)
				}
			}
		}
		for _, minutes := range []int{0, 1441, -1} {
			if _, err := db.ExecContext(t.Context(), `INSERT INTO components (name, start_time, duration_minutes) VALUES ('x', '09:00', $1)`, minutes); err == nil {
				t.Errorf("%d minutes were taken", minutes)
			}
		}
	})
}

func TestTooManyComponentsAreAnErrorBesideThoseThatAreRead(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "s.db"))
	s := open(t, address)
	if _, err := byHand(t, address).ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 600)
		INSERT INTO components (name, start_time, duration_minutes) SELECT 'many-' || i, '09:00', 60 FROM n`); err != nil {
		t.Fatal(err)
	}
	all, err := s.Components(t.Context())
	if err == nil || !strings.Contains(err.Error(), "more than 500") || len(all) != store.MaxComponents {
		t.Errorf("%d components, %v", len(all), err)
	}
	if _, err := s.Add(t.Context(), component("one-more")); !errors.Is(err, store.ErrFull) {
		t.Errorf("one more: %v", err)
	}
}

func TestATableOfANewerProgramIsRefused(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "s.db"))
	open(t, address)
	if _, err := byHand(t, address).ExecContext(t.Context(), "INSERT INTO schema_version (version) VALUES (99)"); err != nil {
		t.Fatal(err)
	}
	s, err := store.New(address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Prepare(context.Background()); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("err = %v, want it to name version 99", err)
	}
}
