// Package databasetest starts a real PostgreSQL server for tests.
package databasetest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/truecount/truecount/demo/database"
)

// What every cluster has. The password has what needs quoting.
const (
	User     = "walker"
	Password = `p'w \ %41@:/secret`
	Port     = "54321" // a part of the unix socket's name: clusters don't collide
)

// A Cluster is a running server that only its unix socket reaches.
type Cluster struct {
	Socket    string // the directory of the unix socket: DB_HOST
	databases atomic.Int64
	command   func() *exec.Cmd
	server    *exec.Cmd // nil while it is stopped
}

// Start runs a new server until the test ends. Without PostgreSQL on this machine the test is skipped.
func Start(t testing.TB) *Cluster {
	t.Helper()
	bin := programs(t)
	dir, err := os.MkdirTemp("", "pg") // t.TempDir can be too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	attr := unprivileged(t, dir)

	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(Password), 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", User, "--pwfile", passwordFile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}

	c := &Cluster{Socket: dir, command: func() *exec.Cmd {
		server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", Port,
			"-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100")
		server.Dir, server.SysProcAttr = dir, attr
		return server
	}}
	c.StartAgain(t)
	t.Cleanup(c.Stop)
	return c
}

// Stop ends the server at once, and all its connections. It keeps the data.
func (c *Cluster) Stop() {
	if c.server == nil {
		return
	}
	c.server.Process.Signal(syscall.SIGQUIT) // PostgreSQL's immediate shutdown
	c.server.Wait()
	c.server = nil
}

// StartAgain starts the server that was stopped, over its data.
func (c *Cluster) StartAgain(t testing.TB) {
	t.Helper()
	c.server = c.command()
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.wait(t.Context()); err != nil {
		t.Fatalf("postgres did not start: %v", err)
	}
}

// programs finds the folder with initdb and postgres, which Debian keeps off the PATH.
func programs(t testing.TB) string {
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
func unprivileged(t testing.TB, dir string) *syscall.SysProcAttr {
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

func (c *Cluster) wait(ctx context.Context) error {
	db, err := c.connect("postgres")
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		<-tick.C
	}
}

func (c *Cluster) connect(name string) (*sql.DB, error) {
	return sql.Open("pgx", fmt.Sprintf(`host=%s port=%s user=%s password='%s' dbname=%s`,
		c.Socket, Port, User, `p\'w \\ %41@:/secret`, name))
}

// NewDatabase creates an empty database and says where it is.
func (c *Cluster) NewDatabase(t testing.TB) database.Postgres {
	t.Helper()
	db, err := c.connect("postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprintf("demo_%d", c.databases.Add(1))
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return database.Postgres{Name: name, User: User, Password: Password, Host: c.Socket, Port: Port}
}

// Reset empties a database: it is as new, in a fraction of the time.
func (c *Cluster) Reset(t testing.TB, which database.Postgres) {
	t.Helper()
	db, err := c.connect(which.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		t.Fatal(err)
	}
}
