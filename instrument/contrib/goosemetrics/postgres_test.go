package goosemetrics_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is a real PostgreSQL server that only its unix socket reaches.
type server struct {
	bin, dir string
	attr     *syscall.SysProcAttr
	process  *exec.Cmd
}

// shared is started by the first test that needs a server, and serves all of them but those that harm it.
var shared struct {
	sync.Once
	*server
	databases atomic.Int64
}

func stopServerAndExit(code int) {
	if shared.server != nil {
		shared.stop()
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// newServer makes and starts a server; the caller stops it and removes its directory.
func newServer(t *testing.T) *server {
	t.Helper()
	bin := postgresPrograms(t)
	dir, err := os.MkdirTemp("", "pg") // t.TempDir can be too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	s := &server{bin: bin, dir: dir, attr: unprivileged(t, dir)}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "walker", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, s.attr
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.start(t)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command(filepath.Join(s.bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=off")
	s.process.Dir, s.process.SysProcAttr = s.dir, s.attr
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	s.wait(t)
}

func (s *server) stop() {
	_ = s.process.Process.Signal(syscall.SIGQUIT) // PostgreSQL's immediate shutdown
	_ = s.process.Wait()
}

func postgresPrograms(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	const missing = "needs PostgreSQL's server; scripts/tools.sh installs it"
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// unprivileged gives dir to the user postgres if we are root, as whom PostgreSQL refuses to run.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func (s *server) dsn(database string) string {
	return fmt.Sprintf("host=%s user=walker dbname=%s", s.dir, database)
}

func (s *server) wait(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("postgres did not start: %v", err)
		}
		<-tick.C
	}
}

// newDatabase creates an empty database and says where it is. Without PostgreSQL on this machine the test is skipped.
func newDatabase(t *testing.T) (dsn string) {
	t.Helper()
	postgresPrograms(t)
	shared.Do(func() { shared.server = newServer(t) })
	conn, err := pgx.Connect(t.Context(), shared.dsn("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	name := fmt.Sprintf("kennel_%d", shared.databases.Add(1))
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return shared.dsn(name)
}
