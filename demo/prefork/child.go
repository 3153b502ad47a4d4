package prefork

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	// childVariable tells a process that a parent of this package started it.
	childVariable = "TRUECOUNT_PREFORK"
	// aliveFD follows the listening socket, which by the socket-activation convention is 3.
	aliveFD = 4
)

// start starts one child. It does not use os/exec: that would switch the shared listening socket to blocking mode, for
// all processes that have it.
func (p *parent) start(index int) (*os.Process, error) {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "LISTEN_FDS=") || strings.HasPrefix(variable, "LISTEN_PID=") ||
			strings.HasPrefix(variable, "NOTIFY_SOCKET=") // it is the parent's
	})
	env = append(env, childVariable+"=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=http",
		"TRUECOUNT_WORKER="+strconv.Itoa(index), "WEB_CONCURRENCY="+strconv.Itoa(p.Workers))
	socket, err := p.listener.SyscallConn()
	if err != nil {
		return nil, err
	}
	alive, err := p.alive.SyscallConn()
	if err != nil {
		return nil, err
	}
	var pid int
	var pipeErr, forkErr error
	socketErr := socket.Control(func(socketFD uintptr) {
		pipeErr = alive.Control(func(pipeFD uintptr) {
			files := []uintptr{0, 1, 2, socketFD, aliveFD: pipeFD}
			pid, forkErr = syscall.ForkExec(p.program, p.Args, &syscall.ProcAttr{Env: env, Files: files})
		})
	})
	if err := errors.Join(socketErr, pipeErr, forkErr); err != nil {
		return nil, err
	}
	return os.FindProcess(pid)
}

// IsChild reports whether a parent of this package started this process.
func IsChild(getenv func(string) string) bool { return getenv(childVariable) != "" }

// Adopt makes the inherited socket this process' own, before it is used: whoever starts a process cannot tell it its
// pid, which LISTEN_PID must be. The context that it returns is also done when the parent is gone; release ends the
// watch.
func Adopt(ctx context.Context) (_ context.Context, release func(), err error) {
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil {
		return nil, nil, err
	}
	syscall.CloseOnExec(aliveFD)
	alive := os.NewFile(aliveFD, "parent")
	if alive == nil {
		return nil, nil, fmt.Errorf("%s is set but the parent's pipe is missing: unset it", childVariable)
	}
	ctx, cancel := context.WithCancel(ctx)
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		alive.Read(make([]byte, 1)) // returns when the parent is gone, or on Close
		cancel()
	}()
	return ctx, func() { alive.Close(); <-watch }, nil
}
