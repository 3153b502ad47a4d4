package store_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
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

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
	"github.com/truecount/truecount/demo/dogwalk/store"
)

// asChild makes the test program a worker process that opens the database of its environment and starts some walks.
const asChild = "STORE_TEST_AS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		if err := child(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const walksPerChild = 25

func child(ctx context.Context) error {
	a, err := database.FromEnv(os.Getenv, "")
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
func each(t *testing.T, test func(t *testing.T, newDatabase func(t *testing.T) database.Address)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func(t *testing.T) database.Address {
			return database.SQLite(filepath.Join(t.TempDir(), "dog walk?#%.db"))
		})
	})
	t.Run("postgres", func(t *testing.T) {
		cluster := databasetest.Start(t)
		parts := cluster.NewDatabase(t)
		test(t, func(t *testing.T) database.Address {
			cluster.Reset(t, parts)
			return parts.Address()
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

func TestManyStoresOpenOneEmptyDatabaseAtOnceAndSeedItOnce(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
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
		wantVersions(t, address)
		seeded(t, open(t, store.Options{Address: address}), nil)
	})
}

func TestManyStoresUpgradeOneOlderFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE schema_version (version INTEGER NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), store.Options{Address: database.SQLite(path)})
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	wg.Wait()
	seeded(t, open(t, store.Options{Address: database.SQLite(path)}), nil)
}

func TestDataOutlivesTheProcessAndIsNotSeededAgain(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "d.db"))
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

func TestFiveProcessesMakeTheTablesOfOneEmptyDatabaseAndWriteAtOnce(t *testing.T) {
	test := func(t *testing.T, address database.Address, env ...string) {
		var processes []*process
		for range 5 {
			processes = append(processes, ready(t, env...))
		}
		for _, p := range processes {
			p.start()
		}
		for _, p := range processes {
			if err := p.Wait(); err != nil {
				t.Errorf("a process: %v: %s", err, p.errors.String())
			}
		}
		wantVersions(t, address)
		s := open(t, store.Options{Address: address})
		seeded(t, s, nil)
		walks, err := s.WalksInProgress(t.Context(), 1000)
		if err != nil || len(walks) != len(processes)*walksPerChild {
			t.Errorf("%d walks, %v; want %d", len(walks), err, len(processes)*walksPerChild)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dogwalk.db")
		test(t, database.SQLite(path), "DATABASE_URL="+path)
	})
	t.Run("postgres", func(t *testing.T) {
		parts := databasetest.Start(t).NewDatabase(t)
		test(t, parts.Address(), "DB_NAME="+parts.Name, "DB_USER="+parts.User, "DB_PASSWORD="+parts.Password, "DB_HOST="+parts.Host, "DB_PORT="+parts.Port)
	})
}

// A process is this test program as a worker.
type process struct {
	*exec.Cmd
	errors bytes.Buffer
	start  func()
}

// ready starts a process that stands before opening the database until it is started.
func ready(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(append(os.Environ(), asChild+"=1"), env...)
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
	return p
}

func TestOpenGivesUpOnADatabaseThatDoesNotAnswerAndKeepsThePassword(t *testing.T) {
	postgres := database.Postgres{Name: "kennel", User: "walker", Password: "s3cr3t", Host: t.TempDir(), Port: "1"}
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
	_, err := store.Open(ctx, store.Options{Address: database.SQLite(path)})
	if err == nil || !strings.Contains(err.Error(), "not a database") || ctx.Err() != nil {
		t.Errorf("err = %v, want that it is not a database", err)
	}
}

func TestATooNewSchemaIsRefused(t *testing.T) {
	address := database.SQLite(filepath.Join(t.TempDir(), "d.db"))
	open(t, store.Options{Address: address}).SetSchemaVersion(t, 99)
	_, err := store.Open(t.Context(), store.Options{Address: address})
	if err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("err = %v, want it to name version 99", err)
	}
}

func TestAMissingFolderIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "such", "d.db")
	_, err := store.Open(t.Context(), store.Options{Address: database.SQLite(path)})
	if err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("err = %v, want it to name the folder", err)
	}
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
