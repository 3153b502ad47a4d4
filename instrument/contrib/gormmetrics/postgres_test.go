package gormmetrics_test

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

// server is a real PostgreSQL server that only its unix socket reaches. It is started by the first test that needs one, and
// serves all of them.
var server struct {
	start     sync.Once
	stop      func()
	socket    string
	databases atomic.Int64
}

func stopServer() {
	if server.stop != nil {
		server.stop()
	}
}

func startServer(t *testing.T, bin string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg") // t.TempDir can be too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	server.stop = func() { _ = os.RemoveAll(dir) }
	attr := unprivileged(t, dir)

	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "walker", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	postgres := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	postgres.Dir, postgres.SysProcAttr = dir, attr
	if err := postgres.Start(); err != nil {
		t.Fatal(err)
	}
	server.socket = dir
	server.stop = func() {
		_ = postgres.Process.Signal(syscall.SIGQUIT) // PostgreSQL's immediate shutdown
		_ = postgres.Wait()
		_ = os.RemoveAll(dir)
	}
	waitForServer(t)
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

func serverDSN(database string) string {
	return fmt.Sprintf("host=%s user=walker dbname=%s", server.socket, database)
}

func waitForServer(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, serverDSN("postgres"))
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
	bin := postgresPrograms(t)
	server.start.Do(func() { startServer(t, bin) })
	conn, err := pgx.Connect(t.Context(), serverDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	name := fmt.Sprintf("kennel_%d", server.databases.Add(1))
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return serverDSN(name)
}
