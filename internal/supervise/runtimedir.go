package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

// The layout below RuntimeDir: clicks-0/<pid>.sock are the workers' metrics, clicks-0/n/<number> the sockets on which
// they notify.
const (
	notifyDir     = "n"
	socketSuffix  = ".sock"
	longestSocket = "4194304" + socketSuffix // Linux' highest process id, PID_MAX_LIMIT in kernel/pid.c
)

// maxSocketPath is the longest path of a unix socket in bytes, without the terminating zero: 107 on Linux, 103 on macOS.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

func replicaName(service string, ordinal int) string {
	return service + "-" + strconv.Itoa(ordinal)
}

// prepareRuntimeDir creates the directory and removes what an earlier supervisor of the same service, that was killed,
// left in it.
func prepareRuntimeDir(dir, service string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return hint.Errorf("create it, or choose another one", "%s: runtime directory: %w", service, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return hint.Errorf("make it readable, or choose another one", "%s: runtime directory: %w", service, err)
	}
	for _, entry := range entries {
		ordinal, ok := strings.CutPrefix(entry.Name(), service+"-")
		if _, err := strconv.ParseUint(ordinal, 10, 32); ok && err == nil && entry.IsDir() {
			removeReplicaDir(filepath.Join(dir, entry.Name()))
		}
	}
	return nil
}

func makeReplicaDir(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, notifyDir), 0o700); err != nil {
		return fmt.Errorf("runtime directory: %w", err)
	}
	return nil
}

// removeReplicaDir removes sockets and the directories that are empty then: whatever else somebody put there stays.
func removeReplicaDir(dir string) {
	removeSockets(filepath.Join(dir, notifyDir), func(string) bool { return true })
	removeSockets(dir, func(string) bool { return true })
	os.Remove(filepath.Join(dir, notifyDir))
	os.Remove(dir)
}

// removeDeadSockets removes the metrics sockets of processes that are gone. A program that forks its own workers does
// not tell when one of them is killed.
func removeDeadSockets(dir string) {
	removeSockets(dir, func(name string) bool {
		pid, err := strconv.Atoi(strings.TrimSuffix(name, socketSuffix))
		return err == nil && pid > 1 && syscall.Kill(pid, 0) == syscall.ESRCH
	})
}

func removeSockets(dir string, unwanted func(name string) bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.Type()&os.ModeSocket != 0 && unwanted(entry.Name()) {
			os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// cleanOnce has the replica's metrics directory emptied before its first process writes to it. One that is started later
// finds what its siblings have written.
func (c *control) cleanOnce(r *replica) error {
	m, ok := c.opts.Metrics.(Directory)
	if !ok || r.clean {
		return nil
	}
	if err := m.Clean(m.Of(r.name)); err != nil {
		return fmt.Errorf("metrics directory: %w", err)
	}
	r.clean = true
	return nil
}

// cleanAfter has the directory emptied of a replica of which nothing runs any more.
func (c *control) cleanAfter(r *replica) {
	m, ok := c.opts.Metrics.(Directory)
	if !ok || !r.clean {
		return
	}
	if err := m.Clean(m.Of(r.name)); err != nil {
		c.log.Warn("the metrics directory of a replica that ended stays as it is", "replica", r.name, "error", err)
	}
}

func metricsSocket(dir string, pid int) string {
	return filepath.Join(dir, strconv.Itoa(pid)+socketSuffix)
}
