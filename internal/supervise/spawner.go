package supervise

import (
	"net"
	"os"
	"runtime"
	"syscall"
)

// spawner starts processes from one goroutine on one operating system thread. On Linux the parent-death signal of a
// child is sent when the thread that started it ends, not the process: that thread must live as long as any child.
type spawner struct {
	requests chan func()
	done     chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan func()), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.done)
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	for f := range s.requests {
		f()
	}
}

// close ends the thread, and on Linux with it every child that is left.
func (s *spawner) close() {
	close(s.requests)
	<-s.done
}

// start runs f on the spawner's thread.
func (s *spawner) start(f func() (pid int, err error)) (pid int, err error) {
	finished := make(chan struct{})
	s.requests <- func() {
		pid, err = f()
		close(finished)
	}
	<-finished
	return pid, err
}

// listenPidShim becomes the program, after it has told it its process id, by which programs check that the socket was
// meant for them (sd_listen_fds(3)). A shell is started in a millisecond; only the process itself can know its id.
const listenPidShim = `LISTEN_PID=$$; export LISTEN_PID; exec "$0" "$@"`

const shell = "/bin/sh"

// launch is what a new worker process consists of.
type launch struct {
	path           string   // absolute path of the program
	args           []string // with the program's name first
	env            []string
	dir            string
	stdout, stderr *os.File
	listener       *net.TCPListener // nil: none is handed over
}

// start starts the process in a group of its own, so that a Ctrl-C in the terminal reaches only the supervisor. It
// calls fork and exec itself because os/exec takes descriptors through os.File.Fd, which would switch the shared
// socket to blocking mode. The caller closes stdout and stderr.
func (l *launch) start() (pid int, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	attr := &syscall.ProcAttr{
		Dir:   l.dir,
		Env:   l.env,
		Files: []uintptr{null.Fd(), l.stdout.Fd(), l.stderr.Fd()},
		Sys:   workerAttributes(),
	}
	if l.listener == nil {
		return syscall.ForkExec(l.path, l.args, attr)
	}
	args := append([]string{"sh", "-c", listenPidShim, l.path}, l.args[1:]...)
	controlErr := withDescriptor(l.listener, func(fd uintptr) {
		attr.Files = append(attr.Files, fd)
		pid, err = syscall.ForkExec(shell, args, attr)
	})
	if controlErr != nil {
		return 0, controlErr
	}
	return pid, err
}
