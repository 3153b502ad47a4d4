// Package up drives a running truecount as its users do: it starts the program, waits for the line "ready:", clicks and
// asks over HTTP. What is measured through it is what a user gets.
package up

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Options say what is started.
type Options struct {
	// Command is the program with its arguments.
	Command []string
	// Dir is the working directory; the log of the program, truecount.log, is written there.
	Dir string
	// Env are variables beside those of this process.
	Env []string
	// Await is the application whose address must be announced: "clicks".
	Await string
}

// Up is a running `truecount up`. Its methods may be called concurrently, but Stop once.
type Up struct {
	// URL is where the pages and the API are; Addresses are the applications' own by name.
	URL       string
	Addresses map[string]string
	// Started is the moment before exec; ReadyAfter is how much later the line "ready:" was read.
	Started    time.Time
	ReadyAfter time.Duration

	cmd    *exec.Cmd
	log    *os.File
	api    *http.Client
	button *http.Client
	ended  chan struct{}
}

// announcement is a line of standard output and when it was read.
type announcement struct {
	line string
	at   time.Time
}

// Start runs the command and returns when it is ready. When ctx ends the program is interrupted as by Ctrl-C.
func Start(ctx context.Context, o Options) (*Up, error) {
	log, err := os.Create(filepath.Join(o.Dir, "truecount.log"))
	if err != nil {
		return nil, err
	}
	u := &Up{
		Addresses: map[string]string{},
		log:       log,
		api:       &http.Client{Timeout: 20 * time.Second},
		button:    &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		ended:     make(chan struct{}),
	}
	u.cmd = exec.CommandContext(ctx, o.Command[0], o.Command[1:]...)
	u.cmd.Dir, u.cmd.Env, u.cmd.Stderr = o.Dir, append(os.Environ(), o.Env...), log
	// A group of its own, so that it can be interrupted as a terminal does, also below `go run`.
	u.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	u.cmd.Cancel = u.interrupt
	u.cmd.WaitDelay = 30 * time.Second
	stdout, err := u.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	u.Started = time.Now()
	if err := u.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	lines := make(chan announcement, 64) // more than is ever announced
	go func() {
		defer close(u.ended)
		defer close(lines)
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			select {
			case lines <- announcement{scanner.Text(), time.Now()}:
			default:
			}
		}
	}()
	if err := u.awaitReady(ctx, lines, o.Await); err != nil {
		return nil, errors.Join(err, u.Stop())
	}
	return u, nil
}

// awaitReady reads "ready: URL" and the addresses after it.
func (u *Up) awaitReady(ctx context.Context, lines <-chan announcement, await string) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case said, open := <-lines:
			if !open {
				return fmt.Errorf("%s ended before it was ready:\n%s", u.cmd.Args[0], u.LogTail())
			}
			name, address, _ := strings.Cut(said.line, ": ")
			if name == "ready" {
				u.URL, u.ReadyAfter = address, said.at.Sub(u.Started)
			} else {
				u.Addresses[name] = address
			}
		}
		if u.URL != "" && u.Addresses[await] != "" {
			return nil
		}
	}
}

// PID is the process that was started.
func (u *Up) PID() int { return u.cmd.Process.Pid }

// Stop interrupts the program and waits until it has ended.
func (u *Up) Stop() error {
	defer u.log.Close()
	defer u.api.CloseIdleConnections()
	_ = u.interrupt() // it may have ended by itself; Wait tells
	select {
	case <-u.ended:
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-u.cmd.Process.Pid, syscall.SIGKILL)
		<-u.ended
	}
	if err := u.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w:\n%s", strings.Join(u.cmd.Args, " "), err, u.LogTail())
	}
	return nil
}

func (u *Up) interrupt() error { return syscall.Kill(-u.cmd.Process.Pid, syscall.SIGINT) }

// FreePort returns a TCP port of the loopback address that nothing listens on at this moment.
func FreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// LogTail is the end of what the program logged: the reason, when something did not come.
func (u *Up) LogTail() string {
	content, err := os.ReadFile(u.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-2000):])
}
