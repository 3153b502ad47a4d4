package goredismetrics_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// password is what every server of the tests wants.
const password = "s3cr3t-of-the-kennel"

// server is a real redis-server that only its unix socket reaches.
type server struct {
	dir     string
	process *exec.Cmd
}

// startServer runs a new server until the test ends. Without redis-server on this machine the test is skipped.
func startServer(t *testing.T) *server {
	t.Helper()
	bin := redisServer(t)
	dir, err := os.MkdirTemp("", "redis") // t.TempDir can be too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &server{dir: dir}
	t.Cleanup(func() { s.stop() })
	s.start(t, bin)
	return s
}

func (s *server) start(t *testing.T, bin string) {
	t.Helper()
	s.process = exec.Command(bin, "--port", "0", "--unixsocket", s.socket(), "--dir", s.dir, "--save", "", "--requirepass", password)
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(s.options())
	defer func() { _ = client.Close() }()
	eventually(t, func(ctx context.Context) error { return client.Ping(ctx).Err() })
}

func (s *server) socket() string { return filepath.Join(s.dir, "redis.sock") }

func (s *server) options() *redis.Options {
	return &redis.Options{
		Network: "unix", Addr: s.socket(), Password: password,
		MaxRetries: 1, ContextTimeoutEnabled: true, DialerRetries: 1,
	}
}

// impatient options have short time-outs, so that a server that hangs is noticed.
func (s *server) impatient() *redis.Options {
	opts := s.options()
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = time.Second, time.Second, time.Second
	return opts
}

func (s *server) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

func (s *server) stop() {
	if s.process.Process == nil {
		return // it was not started
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}
