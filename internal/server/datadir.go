package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/prometheus/prometheus/tsdb/fileutil"

	"github.com/truecount/truecount/internal/hint"
)

// ClaimDataDir makes the directory if it is missing, proves that files can be made there, and locks it until
// release is called. A directory that another process has locked is an error. [New] does it for its own DataDir; a program
// that keeps more in a directory than the database claims that one itself.
//
// The database has a lock of its own but removes temporary files before it takes it, which another server may be writing.
func ClaimDataDir(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, dataDirError(dir, err)
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return nil, dataDirError(dir, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, dataDirError(dir, err)
	}
	lock, _, err := fileutil.Flock(filepath.Join(dir, "truecount.lock"))
	if err != nil {
		return nil, dataDirError(dir, err)
	}
	return lock.Release, nil
}

// dataDirError says in an operator's words why the directory cannot be used.
func dataDirError(dir string, err error) error {
	advice := "choose another data directory"
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, syscall.EACCES) && isLockError(err):
		return hint.Errorf("stop the other server, or choose another data directory",
			"data directory %s is in use by another server", dir)
	case errors.Is(err, fs.ErrPermission):
		advice = "give this user the right to read and write it, or " + advice
	case errors.Is(err, syscall.ENOSPC):
		advice = "free some space on its disk, or " + advice
	}
	var path *fs.PathError
	if errors.As(err, &path) && path.Path == dir {
		err = path.Err
	}
	return hint.Errorf(advice, "data directory %s cannot be used: %w", dir, err)
}

// isLockError tells a refused lock (a bare errno) from a refused file (wrapped with its path).
func isLockError(err error) bool {
	var path *fs.PathError
	return !errors.As(err, &path)
}

func openError(dir string, err error) error {
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) {
		return dataDirError(dir, err)
	}
	return hint.Errorf("move the damaged part away (promtool tsdb analyze tells which), or choose another data directory",
		"%w", fmt.Errorf("data directory %s cannot be opened: %w", dir, err))
}
