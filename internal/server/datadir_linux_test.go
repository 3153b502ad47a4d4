package server

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/internal/hint"
)

func TestADataDirectoryWithoutRightsIsExplained(t *testing.T) {
	for name, mode := range map[string]os.FileMode{"unreadable": 0o300, "unwritable": 0o500} {
		t.Run(name, func(t *testing.T) {
			config, dir := configuration(t, "scrape.yml"), t.TempDir()
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			err := asNobody(t, dir, func() error { _, err := New(Options{ConfigFile: config, DataDir: dir}); return err })
			if err == nil || !strings.HasPrefix(err.Error(), "data directory "+dir+" cannot be used: ") || !strings.HasSuffix(err.Error(), "permission denied") {
				t.Errorf("New = %v", err)
			}
			if got := hint.Of(err); !strings.Contains(got, "give this user the right to read and write it") {
				t.Errorf("hint = %q", got)
			}
		})
	}
}

// asNobody calls f without the rights of root, if the test has them: for file access Linux gives every thread a user of its own.
func asNobody(t *testing.T, dir string, f func() error) error {
	t.Helper()
	if os.Getuid() != 0 {
		return f()
	}
	const nobody = 65534
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	for parent := dir; strings.HasPrefix(parent, os.TempDir()+"/"); parent = parent[:strings.LastIndexByte(parent, '/')] {
		if parent != dir {
			os.Chmod(parent, 0o755)
		}
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its rights
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); errno != 0 {
			result <- errno
			return
		}
		result <- f()
	}()
	return <-result
}
