package supervise

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// guardScript remembers the process groups it is told of, one line each: "+ 123" begins, "- 123" ends one. At the end
// of its input, which comes when the supervisor is gone however it ended, it ends the groups that are left: SIGTERM
// (and SIGCONT, for the stopped ones), two seconds later SIGKILL. After a good end none is left.
const guardScript = `
trap '' HUP INT QUIT TERM
all=' '
while read -r op group; do
	case $op in
	+) all="$all$group " ;;
	-) case $all in *" $group "*) all="${all%%" $group "*} ${all#*" $group "}" ;; esac ;;
	esac
done
[ "$all" = ' ' ] && exit 0
for group in $all; do
	kill -s TERM -- "-$group"
	kill -s CONT -- "-$group"
done
for round in 1 2; do
	left=
	for group in $all; do
		kill -s 0 -- "-$group" && left=yes
	done
	[ "$left" ] || exit 0
	sleep 1
done
for group in $all; do
	kill -s KILL -- "-$group"
done
`

// guardTimeout bounds each exchange with the guard, which has nothing else to do.
const guardTimeout = time.Second

// guard is a small process that outlives a killed supervisor just long enough to end its workers. It is in a session of
// its own: neither the terminal's signals nor its end reach it.
type guard struct {
	spawner *spawner
	pid     int // 0 if it could not be started again
	pipe    *os.File
	groups  map[int]struct{}
}

func startGuard(s *spawner) (*guard, error) {
	g := &guard{spawner: s, groups: map[int]struct{}{}}
	return g, g.start()
}

func (g *guard) start() error {
	g.pid = 0 // never left at an old number that may mean another process
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the guard process: %w", err)
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		w.Close()
		return fmt.Errorf("start the guard process: %w", err)
	}
	defer null.Close()
	pid, err := g.spawner.start(func() (int, error) {
		return syscall.ForkExec(shell, []string{"sh", "-c", guardScript}, &syscall.ProcAttr{
			Dir:   "/",
			Env:   []string{"PATH=/usr/bin:/bin"},
			Files: []uintptr{r.Fd(), null.Fd(), null.Fd()},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
	})
	if err != nil {
		w.Close()
		return fmt.Errorf("start the guard process %s: %w", shell, err)
	}
	g.pid, g.pipe = pid, w
	return nil
}

// add tells the guard of a new group.
func (g *guard) add(group int) error {
	g.groups[group] = struct{}{}
	return g.tell('+', group)
}

// remove tells the guard that a group has ended, before its number can mean another one.
func (g *guard) remove(group int) error {
	delete(g.groups, group)
	return g.tell('-', group)
}

// tell writes one line. A guard that does not take it is replaced by a new one, which is told of all groups.
func (g *guard) tell(op byte, group int) error {
	if g.write(op, group) == nil {
		return nil
	}
	return g.restart()
}

// alive says whether the guard still runs; it reaps one that does not.
func (g *guard) alive() bool {
	if g.pid == 0 {
		return false
	}
	_, exited := reap(g.pid, func() {})
	return !exited
}

// restart ends the old guard, if there is one left, by SIGKILL: at the end of its input it would end our workers.
func (g *guard) restart() error {
	if g.alive() {
		syscall.Kill(g.pid, syscall.SIGKILL)
		awaitEnd(g.pid)
	}
	g.pipe.Close()
	if err := g.start(); err != nil {
		return err
	}
	for group := range g.groups {
		if err := g.write('+', group); err != nil {
			return err
		}
	}
	return nil
}

func (g *guard) write(op byte, group int) error {
	if err := g.pipe.SetWriteDeadline(time.Now().Add(guardTimeout)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(g.pipe, "%c %d\n", op, group)
	return err
}

// close is called when all groups have ended; the guard then ends at once.
func (g *guard) close() {
	g.pipe.Close()
	if g.pid == 0 {
		return
	}
	timeout := time.AfterFunc(guardTimeout, func() { syscall.Kill(g.pid, syscall.SIGKILL) })
	awaitEnd(g.pid)
	timeout.Stop()
}

// awaitEnd waits for a child that is about to end, and reaps it.
func awaitEnd(pid int) {
	for {
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != syscall.EINTR {
			return
		}
	}
}
