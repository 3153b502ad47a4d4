package pgxmetrics_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// password has what needs escaping, and is looked for wherever it must not be.
const password = `h%unter'2 /@:"`

// cluster is a PostgreSQL server of this machine that only its unix socket reaches. All tests share one.
type cluster struct {
	dir    string
	server *exec.Cmd
	log    bytes.Buffer
}

var shared struct {
	sync.Once
	*cluster
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		shared.stop()
		os.RemoveAll(shared.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// postgres returns the address of the running server.
func postgres(t testing.TB) string {
	t.Helper()
	bin := programs(t)
	shared.Do(func() { shared.cluster, shared.err = start(bin) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.url(password)
}

func (c *cluster) url(password string) string {
	return (&url.URL{Scheme: "postgres", User: url.UserPassword("walker", password), Path: "/postgres",
		RawQuery: url.Values{"host": {c.dir}, "port": {"54322"}}.Encode()}).String()
}

// programs finds the folder with initdb and postgres, which Debian keeps off the PATH.
func programs(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	const missing = "needs PostgreSQL's server; scripts/tools.sh installs it"
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

func start(bin string) (*cluster, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	attr, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password), 0o644); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "walker", "--pwfile", passwordFile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	c.server = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", "54322",
		"-c", "listen_addresses=", "-c", "fsync=off")
	c.server.Dir, c.server.SysProcAttr, c.server.Stdout, c.server.Stderr = dir, attr, &c.log, &c.log
	if err := c.server.Start(); err != nil {
		return nil, err
	}
	return c, c.wait()
}

// unprivileged gives dir to the user postgres if we are root, as whom PostgreSQL refuses to run.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (c *cluster) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.url(password))
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			c.stop()
			return fmt.Errorf("postgres did not start: %w\n%s", err, &c.log)
		}
		<-tick.C
	}
}

func (c *cluster) stop() {
	c.server.Process.Signal(syscall.SIGQUIT) // PostgreSQL's immediate shutdown
	c.server.Wait()
}
