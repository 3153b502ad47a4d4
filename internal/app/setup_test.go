package app

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/server"
)

// TestSetupFailureDoesNotDeadlock has New fail at each of its stages, in their order. Each time what was taken before is
// free again, and New works as soon as the cause is gone.
func TestSetupFailureDoesNotDeadlock(t *testing.T) {
	cases := []struct {
		name string
		// spoil makes New fail and returns what mends it.
		spoil func(t *testing.T, o *Options) (mend func())
		want  string
	}{
		{"the data directory is a file", func(t *testing.T, o *Options) func() {
			return inTheWay(t, o.DataDir)
		}, "not a directory"},
		{"the data directory is taken", func(t *testing.T, o *Options) func() {
			release, err := server.ClaimDataDir(o.DataDir)
			if err != nil {
				t.Fatal(err)
			}
			return func() { release() }
		}, "is in use by another server"},
		{"the port is in use", func(t *testing.T, o *Options) func() {
			l := occupy(t, o.Listen)
			return func() { l.Close() }
		}, "is in use"},
		{"the note of the runtime directory cannot be written", func(t *testing.T, o *Options) func() {
			return folderInTheWay(t, filepath.Join(o.DataDir, "runtime-directory"))
		}, "runtime directory"},
		{"the second application's port is in use", func(t *testing.T, o *Options) func() {
			l := occupy(t, fmt.Sprintf("127.0.0.1:%d", o.Applications[1].Spec.Port))
			return func() { l.Close() }
		}, "address already in use"},
		{"the second application's command does not exist", func(_ *testing.T, o *Options) func() {
			command := o.Applications[1].Spec.Command
			o.Applications[1].Spec.Command = []string{"./no-such-program"}
			return func() { o.Applications[1].Spec.Command = command }
		}, "does not exist"},
		{"the second application's directory of counts is a file", func(_ *testing.T, o *Options) func() {
			metrics := &o.Applications[1].Spec.Workers.Metrics
			before := *metrics
			file := write(t, t.TempDir(), "counts", "")
			*metrics = application.Metrics{PythonDir: file}
			return func() { *metrics = before }
		}, "not a directory"},
		{"targets cannot be written", func(t *testing.T, o *Options) func() {
			return inTheWay(t, filepath.Join(o.DataDir, "targets"))
		}, "targets"},
		{"the configuration cannot be written", func(t *testing.T, o *Options) func() {
			return folderInTheWay(t, filepath.Join(o.DataDir, "prometheus.yml"))
		}, "prometheus.yml"},
		{"the database's directory is a file", func(t *testing.T, o *Options) func() {
			return inTheWay(t, filepath.Join(o.DataDir, "prometheus"))
		}, "not a directory"},
		{"the external URL is none", func(_ *testing.T, o *Options) func() {
			o.ExternalURL = "nowhere"
			return func() { o.ExternalURL = "" }
		}, "external URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := Options{
				Listen:       fmt.Sprintf("127.0.0.1:%d", freePort(t)),
				DataDir:      filepath.Join(t.TempDir(), "data"),
				Applications: []*application.Application{button(t, "clicks", freePort(t)), button(t, "more", freePort(t))},
			}
			mend := c.spoil(t, &options)
			failed := make(chan error, 1)
			go func() {
				_, err := New(options)
				failed <- err
			}()
			err := soon(t, "New fails", failed)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("New says %v, want something with %q", err, c.want)
			}
			noRuntimeDir(t, options.DataDir)
			mend()
			a, err := New(options)
			if err != nil {
				t.Fatalf("after the cause was gone: %v", err)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
			heldNothing(t, a, options.Applications[0].Spec.Port)
		})
	}
}

func TestABadConfigurationOfServeHoldsNothing(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "prometheus.yml", "scrape_configs: nothing\n")
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	_, err := New(Options{Listen: listen, DataDir: filepath.Join(dir, "data"), ConfigFile: file})
	if err == nil || !strings.Contains(err.Error(), "prometheus.yml:1") || hint.Of(err) == "" {
		t.Fatalf("New says %v, hint %q", err, hint.Of(err))
	}
	occupy(t, listen)
}

func TestOptionsThatMissSomethingAreRefused(t *testing.T) {
	for name, options := range map[string]Options{
		"data directory": {Listen: "127.0.0.1:0", ConfigFile: "prometheus.yml"},
		"nothing to run": {Listen: "127.0.0.1:0", DataDir: t.TempDir()},
	} {
		if _, err := New(options); err == nil || !strings.Contains(err.Error(), name) || hint.Of(err) == "" {
			t.Errorf("%s: New says %v", name, err)
		}
	}
}

// inTheWay puts a file where a directory belongs.
func inTheWay(t *testing.T, path string) (mend func()) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(path), filepath.Base(path), "in the way")
	return func() { os.Remove(path) }
}

// folderInTheWay puts a directory where a file belongs; with something in it, so that a rename does not replace it.
func folderInTheWay(t *testing.T, path string) (mend func()) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o750); err != nil {
		t.Fatal(err)
	}
	return func() { os.RemoveAll(path) }
}

// noRuntimeDir demands that the last runtime directory of a data directory is gone.
func noRuntimeDir(t *testing.T, dataDir string) {
	t.Helper()
	dir, err := os.ReadFile(directories{root: dataDir}.lastRuntime())
	if err != nil {
		return // none was made
	}
	if _, err := os.Stat(string(dir)); err == nil {
		t.Errorf("the runtime directory %s stays behind", dir)
	}
}

func TestARuntimeDirectoryThatCannotBeNotedDownIsNotMade(t *testing.T) {
	dirs, parent := directories{root: t.TempDir()}, t.TempDir()
	folderInTheWay(t, dirs.lastRuntime())
	if _, _, err := makeRuntimeDirIn(parent, dirs); err == nil {
		t.Fatal("no error")
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestTheRuntimeDirectoryOfAKilledStartIsRemovedByTheNext(t *testing.T) {
	dirs, parent := directories{root: t.TempDir()}, t.TempDir()
	killed, _, err := makeRuntimeDirIn(parent, dirs)
	if err != nil {
		t.Fatal(err)
	}
	dir, remove, err := makeRuntimeDirIn(parent, dirs)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed); err == nil {
		t.Error("it stays behind")
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory of this start stays behind")
	}
}

func TestARuntimeDirectoryElsewhereIsNotRemoved(t *testing.T) {
	dirs, elsewhere := directories{root: t.TempDir()}, t.TempDir()
	write(t, dirs.root, "runtime-directory", elsewhere)
	if _, _, err := makeRuntimeDirIn(t.TempDir(), dirs); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Errorf("what the note names was removed, wherever it is: %v", err)
	}
}

// heldNothing demands that the addresses, the directory and the sockets of an App that has ended are free.
func heldNothing(t *testing.T, a *App, ports ...int) {
	t.Helper()
	addresses := []string{a.listener.Addr().String()}
	for _, port := range ports {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port))
	}
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s is still held: %v", address, err)
			continue
		}
		l.Close()
	}
	release, err := server.ClaimDataDir(a.options.DataDir)
	if err != nil {
		t.Errorf("the data directory is still held: %v", err)
		return
	}
	release()
	noRuntimeDir(t, a.options.DataDir)
}
