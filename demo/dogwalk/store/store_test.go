package store_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/dogwalk/store"
	"github.com/truecount/truecount/demo/dogwalk/store/storetest"
)

// childDatabase makes the test program a worker process that opens this database and walks a dog some times.
const childDatabase = "STORE_TEST_DATABASE"

func TestMain(m *testing.M) {
	if address := os.Getenv(childDatabase); address != "" {
		if err := child(context.Background(), address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const walksPerChild = 25

func child(ctx context.Context, address string) error {
	a, err := store.ParseURL(address)
	if err != nil {
		return err
	}
	// Every process stands ready before the first opens the file: they start at once.
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{Address: a})
	if err != nil {
		return err
	}
	defer s.Close()
	dogs, err := s.Dogs(ctx)
	if err != nil {
		return err
	}
	walkers, err := s.Walkers(ctx)
	if err != nil {
		return err
	}
	for i := range walksPerChild {
		if _, _, err := s.StartWalk(ctx, dogs[i%len(dogs)].ID, walkers[i%len(walkers)].ID); err != nil {
			return err
		}
	}
	return nil
}

// each runs the test over SQLite and over PostgreSQL. make returns the address of a new, empty database.
func each(t *testing.T, test func(t *testing.T, newDatabase func(t *testing.T) store.Address)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func(t *testing.T) store.Address { return store.SQLite(filepath.Join(t.TempDir(), "dog walk?#%.db")) })
	})
	t.Run("postgres", func(t *testing.T) {
		cluster := storetest.Start(t)
		database := cluster.NewDatabase(t)
		test(t, func(t *testing.T) store.Address {
			cluster.Reset(t, database)
			return database.Address()
		})
	})
}

func open(t *testing.T, opts store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestEveryDatabaseKeepsTheSameContract(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) store.Address) {
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

func TestManyStoresOpenOneEmptyDatabaseAtOnceAndSeedItOnce(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) store.Address) {
		address := newDatabase(t)
		var wg sync.WaitGroup
		for range 8 {
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
		seeded(t, open(t, store.Options{Address: address}), nil)
	})
}

func TestDataOutlivesTheProcessAndIsNotSeededAgain(t *testing.T) {
	address := store.SQLite(filepath.Join(t.TempDir(), "d.db"))
	s := open(t, store.Options{Address: address})
	walk := begin(t, s)
	if err := s.DeleteDog(t.Context(), walk.Dog.ID); err != nil {
		t.Fatal(err)
	}
	s.Close()
	dogs, err := open(t, store.Options{Address: address}).Dogs(t.Context())
	if err != nil || len(dogs) != 5 {
		t.Errorf("after opening again: %d dogs, %v; want the 5 that were left", len(dogs), err)
	}
}

func TestFourProcessesOpenAndWriteOneSQLiteFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dogwalk.db")
	type process struct {
		*exec.Cmd
		errors bytes.Buffer
		start  func()
	}
	var processes []*process
	for range 4 {
		p := &process{Cmd: exec.Command(os.Args[0])}
		p.Env = append(os.Environ(), childDatabase+"="+path)
		p.Stderr = &p.errors
		in, err := p.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("child said %q, %v", line, err)
		}
		p.start = func() { fmt.Fprintln(in, "go") }
		processes = append(processes, p)
	}
	for _, p := range processes {
		p.start()
	}
	for _, p := range processes {
		if err := p.Wait(); err != nil {
			t.Errorf("a process: %v: %s", err, p.errors.String())
		}
	}
	s := open(t, store.Options{Address: store.SQLite(path)})
	seeded(t, s, nil)
	walks, err := s.WalksInProgress(t.Context(), 1000)
	if err != nil || len(walks) != 4*walksPerChild {
		t.Errorf("%d walks, %v; want %d", len(walks), err, 4*walksPerChild)
	}
}

func TestOpenGivesUpOnADatabaseThatDoesNotAnswerAndKeepsThePassword(t *testing.T) {
	postgres := store.Postgres{Name: "kennel", User: "walker", Password: "s3cr3t", Host: t.TempDir(), Port: "1"}
	_, err := store.Open(t.Context(), store.Options{Address: postgres.Address(), Patience: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "postgres database kennel at") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("err = %v, want it to name the database and not its password", err)
	}
}

func TestAFileThatIsNoDatabaseIsAnErrorAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("buy dog food\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // less than Open's patience
	defer cancel()
	_, err := store.Open(ctx, store.Options{Address: store.SQLite(path)})
	if err == nil || !strings.Contains(err.Error(), "not a database") || ctx.Err() != nil {
		t.Errorf("err = %v, want that it is not a database", err)
	}
}

func TestATooNewSchemaIsRefused(t *testing.T) {
	address := store.SQLite(filepath.Join(t.TempDir(), "d.db"))
	open(t, store.Options{Address: address}).SetSchemaVersion(t, 99)
	_, err := store.Open(t.Context(), store.Options{Address: address})
	if err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("err = %v, want it to name version 99", err)
	}
}

func TestAMissingFolderIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "such", "d.db")
	_, err := store.Open(t.Context(), store.Options{Address: store.SQLite(path)})
	if err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("err = %v, want it to name the folder", err)
	}
}

func TestParseURL(t *testing.T) {
	for name, c := range map[string]struct{ in, shown, err string }{
		"a path":                      {"data/dogwalk.db", "sqlite file data/dogwalk.db", ""},
		"an absolute path":            {"/data/dogwalk.db", "sqlite file /data/dogwalk.db", ""},
		"a path with a colon":         {"./a:b.db", "sqlite file ./a:b.db", ""},
		"sqlite with two slashes":     {"sqlite://dogwalk.db", "sqlite file dogwalk.db", ""},
		"sqlite with an absolute":     {"sqlite:///data/dogwalk.db", "sqlite file /data/dogwalk.db", ""},
		"sqlite in memory":            {"sqlite::memory:", "", "needs the path of a file"},
		"postgres":                    {"postgres://u:pw@db:5432/kennel", "postgres database kennel at db:5432", ""},
		"postgresql":                  {"postgresql://u:pw@db/kennel", "postgres database kennel at db", ""},
		"postgres by socket":          {"postgres://u:pw@/kennel?host=/run/pg", "postgres database kennel at /run/pg", ""},
		"postgres without a name":     {"postgres://u:pw@db:5432", "", "want postgres://"},
		"postgres that is not a url":  {"postgres://u:pw%zz@db/kennel", "", "want postgres://"},
		"a database we don't support": {"mysql://u:pw@db/kennel", "", `unknown database "mysql"`},
		"nothing":                     {"", "", "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := store.ParseURL(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "pw") {
					t.Fatalf("err = %v, want %q and no password", err, c.err)
				}
				return
			}
			if err != nil || got.String() != c.shown {
				t.Errorf("got %q, %v; want %q", got, err, c.shown)
			}
		})
	}
}

func FuzzParseURLNeverShowsThePassword(f *testing.F) {
	for _, s := range []string{"postgres://u:%s@h/n", "postgres://u:%s@h:x/n", "postgres://%s", "sqlite:%s", "%s://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, format string) {
		const secret = "s3cr3t"
		before, after, found := strings.Cut(format, "u:%s@")
		if !found || !strings.HasPrefix(before, "postgres://") {
			return
		}
		address, err := store.ParseURL(before + "u:" + secret + "@" + after)
		if shown := address.String() + fmt.Sprint(err); strings.Contains(shown, secret) && !strings.Contains(before+after, secret) {
			t.Errorf("shown: %s", shown)
		}
	})
}

func TestSizesAreAllNamed(t *testing.T) {
	for _, size := range store.Sizes() {
		if size.Name() == "unknown" {
			t.Errorf("size %q has no name", size)
		}
	}
	if got := store.Size(strconv.Itoa(1)).Name(); got != "unknown" {
		t.Errorf("size 1 is %q", got)
	}
}
