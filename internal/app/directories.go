package app

import (
	"fmt"
	"os"
	"path/filepath"
)

// directories says where in the data directory of `up` things live.
type directories struct{ root string }

func (d directories) storage() string    { return filepath.Join(d.root, "prometheus") }
func (d directories) configFile() string { return filepath.Join(d.root, "prometheus.yml") }
func (d directories) targets(id serviceID) string {
	return filepath.Join(d.root, "targets", id.fileName()+".json")
}
func (d directories) rules(id serviceID) string {
	return filepath.Join(d.root, "rules", id.fileName()+".yml")
}

// inConfig is how the configuration file names a file of the data directory: from its own folder, as Prometheus reads it,
// so that it means the same wherever truecount was started, and the directory can be moved.
func (d directories) inConfig(path string) string {
	if relative, err := filepath.Rel(d.root, path); err == nil {
		return filepath.ToSlash(relative)
	}
	return path
}

// lastRuntime names the runtime directory of the last start, which a killed process could not remove.
func (d directories) lastRuntime() string { return filepath.Join(d.root, "runtime-directory") }

// replaceFile writes a file whole or not at all: who reads it while it is written sees the old one.
func replaceFile(name string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // after the rename there is nothing left to remove
	if _, err := temporary.Write(body); err != nil {
		temporary.Close()
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}

// makeRuntimeDir makes a short path for sockets, as the path of a unix socket is limited to about 100 bytes, and
// removes the one that the last start of this data directory left behind if it was killed. The caller holds the
// data directory's lock, so that no other process uses either.
func makeRuntimeDir(dirs directories) (dir string, remove func() error, err error) {
	return makeRuntimeDirIn(runtimeParent, dirs)
}

func makeRuntimeDirIn(parent string, dirs directories) (dir string, remove func() error, err error) {
	if last, err := os.ReadFile(dirs.lastRuntime()); err == nil && filepath.IsAbs(string(last)) {
		if filepath.Dir(string(last)) == parent {
			os.RemoveAll(string(last))
		}
	}
	dir, err = os.MkdirTemp(parent, "truecount-")
	if err != nil {
		return "", nil, fmt.Errorf("runtime directory: %w", err)
	}
	if err := replaceFile(dirs.lastRuntime(), []byte(dir)); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("runtime directory: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// runtimeParent is not the system's own temporary directory, which on macOS is too deep for sockets.
const runtimeParent = "/tmp"
