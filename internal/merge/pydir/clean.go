package pydir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

// Claim makes the directory and keeps it from others who would clean it, until release is called. Workers and those who
// only read it are not kept out.
func Claim(dir string) (release func() error, err error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	held, err := os.Open(dir)
	if err != nil {
		return nil, hint.Errorf("make it readable, or name another one", "%w", err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = held.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, hint.Errorf("give each application a directory of its own, or end the other program", "%s is used by another application", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return held.Close, nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return hint.Errorf("name a directory that can be made", "%w", err)
	}
	return nil
}

// Clean makes the directory, or removes from it what the client has written: who starts an application does that before
// the first worker, as the client's documentation asks for. Files that are named otherwise stay, whatever they end in.
func Clean(dir string) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return hint.Errorf("make it readable, or name another one", "%w", err)
	}
	for _, e := range entries {
		if _, ok := parseName(e.Name()); !ok || e.IsDir() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return hint.Errorf("it is of an earlier run: remove it", "%w", err)
		}
	}
	return nil
}
