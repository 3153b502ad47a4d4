package pydir

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/truecount/truecount/internal/merge/reading"
)

// processes tells which workers are dead, where their pids mean something: in the namespace that this process is in.
//
// That nobody has a pid proves nothing as long as the namespace may be another one, in which case no pid of a worker is
// ever there. So nobody is dead until some process was seen that has a file of the directory open.
type processes struct {
	shared     bool // a worker was seen
	warned     bool // that none was
	complained bool // that a file can't be deleted
	next       int  // the file to be verified next
}

// exists tells whether a process, perhaps one that has ended and waits for its parent, has the pid.
func exists(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// holds tells whether the process of that pid has the file open or mapped; the error is that it can't be known. It is
// asked when no process can open the file any more: one that did before has it open, and the client leaves it open.
func holds(pid int, id identity) (bool, error) {
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		var s unix.Stat_t
		if unix.Stat(fds+"/"+e.Name(), &s) == nil && s.Ino == id.inode && uint64(s.Dev) == id.device {
			return true, nil
		}
	}
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return false, err
	}
	inode := strconv.AppendUint(nil, id.inode, 10)
	for line := range bytes.Lines(content) {
		// address permissions offset device inode path
		if fields := bytes.Fields(line); len(fields) >= 5 && bytes.Equal(fields[4], inode) {
			return true, nil
		}
	}
	return false, nil
}

// judge says of every file whether its process is dead. It runs before the files are looked at: what a dead process left
// is then all there.
func (m *Merger) judge() {
	if !m.options.SharedPIDs {
		return
	}
	m.recognise()
	if !m.processes.shared {
		return
	}
	alive := map[int]bool{}
	for _, f := range m.files {
		if f.pid == 0 || f.gone {
			continue
		}
		is, known := alive[f.pid]
		if !known {
			is = exists(f.pid)
			alive[f.pid] = is
		}
		// A process that opened the file before it was renamed may still write to it.
		f.judged, f.dead = true, !is || f.retired && f.letGo()
		if f.sealed && !f.dead {
			m.unseal(f)
		}
	}
}

// letGo tells whether the process that has the file's pid now does not have the file, so that it is another one.
func (f *file) letGo() bool {
	held, err := holds(f.pid, f.id)
	return err == nil && !held
}

// recognise looks for a worker among the processes.
func (m *Merger) recognise() {
	if m.processes.shared {
		return
	}
	looked := map[int]bool{}
	for _, f := range m.files {
		if f.pid == 0 || f.retired || looked[f.pid] {
			continue
		}
		looked[f.pid] = true
		if exists(f.pid) && m.holdsAny(f.pid) {
			m.processes.shared = true
			return
		}
	}
	if len(looked) > 0 && !m.processes.warned {
		m.processes.warned = true
		m.log.Warn("no process is seen that has these files open: nobody is taken for dead until one is",
			"hint", "the pid namespace must be shared (shareProcessNamespace: true), and the user must be the workers'")
	}
}

func (m *Merger) holdsAny(pid int) bool {
	for _, f := range m.files {
		if f.pid != pid {
			continue
		}
		if held, err := holds(pid, f.id); err == nil && held {
			return true
		}
	}
	return false
}

// final tells whether nobody can change the file any more.
func (f *file) final() bool { return f.dead || f.retired && !f.judged }

// unseal reads a file again: its pid has been given to a new process, which continues it.
func (m *Merger) unseal(f *file) {
	fd, s, err := openRegular(int(m.directory.fd.Fd()), f.base)
	if err != nil {
		return // the next listing tells
	}
	if s.identity != f.id {
		_ = fd.Close()
		return
	}
	f.fd, f.sealed = fd, false
}

// verify has a few of the files that are sealed for their pid's sake looked at again: a process that had the pid, and
// ended, between two readings would otherwise not be seen.
func (m *Merger) verify() {
	const each = 8
	for range min(each, len(m.files)) {
		m.processes.next = (m.processes.next + 1) % len(m.files)
		if f := m.files[m.processes.next]; f.sealed && !f.retired && !f.gone && f.kind != reading.Gauge {
			m.unseal(f)
			f.verified = !f.sealed
		}
	}
}
