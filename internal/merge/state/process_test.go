package state

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Environment of the processes that this test binary starts from itself. They work on the file "state" of their directory.
const (
	envRole = "TRUECOUNT_STATE_TEST_ROLE"
	envStep = "TRUECOUNT_STATE_TEST_STEP" // at which it kills itself
)

var roles = map[string]func(){"dies": dies, "saves": saves, "limited": limited, "nobody": nobody}

const oldPayload, newPayload = "old", "new"

// dies saves and is killed, by itself, at one step of that.
func dies() {
	f, err := Open("state", kind)
	if err == nil {
		f.atStep = func(s step) {
			if string(s) == os.Getenv(envStep) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		err = f.Save([]byte(strings.Repeat(newPayload, 100_000)))
	}
	exit(err)
}

// saves saves 1, 2, 3… and says each number when it is saved.
func saves() {
	f, err := Open("state", kind)
	for n := 1; err == nil; n++ {
		if err = f.Save(numbered(n)); err == nil {
			_, err = fmt.Println(n)
		}
	}
	exit(err)
}

// limited saves more than its limit of a file's size lets it.
func limited() {
	signal.Ignore(syscall.SIGXFSZ)
	f, err := Open("state", kind)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10})
	}
	if err == nil {
		err = f.Save(make([]byte, 100<<10))
	}
	exit(err)
}

// nobody saves as a user who may not write the directory.
func nobody() {
	f, err := Open("state", kind)
	if err == nil {
		err = os.Chmod(".", 0o555)
	}
	if err == nil && os.Getuid() == 0 {
		err = syscall.Setuid(65534)
	}
	if err == nil {
		err = f.Save([]byte(newPayload))
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// numbered is a payload whose length and every byte depend on n.
func numbered(n int) []byte {
	return []byte(strings.Repeat(strconv.Itoa(n)+" ", 1+n*7919%50_000))
}

func process(role, dir string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), envRole+"="+role, "GOMAXPROCS=1"), env...)
	return cmd
}

// wantKilled demands that the process ended by SIGKILL.
func wantKilled(t *testing.T, err error, out []byte) {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v, not killed: %s", err, out)
	}
}

func TestM9AWriterKilledAtAnyStepLeavesTheOldStateOrTheNewWhole(t *testing.T) {
	for _, test := range []struct {
		at   step
		want string
		left string // in the directory, before the next start
	}{
		{stepCreated, oldPayload, "state state.lock state.new"},
		{stepPartial, oldPayload, "state state.lock state.new"},
		{stepWritten, oldPayload, "state state.lock state.new"},
		{stepSynced, oldPayload, "state state.lock state.new"},
		{stepRenamed, strings.Repeat(newPayload, 100_000), "state state.lock"},
		{stepDirSynced, strings.Repeat(newPayload, 100_000), "state state.lock"},
	} {
		t.Run(string(test.at), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state")
			before := open(t, path)
			save(t, before, oldPayload)
			if err := before.Close(); err != nil {
				t.Fatal(err)
			}
			out, err := process("dies", dir, envStep+"="+string(test.at)).CombinedOutput()
			wantKilled(t, err, out)
			if got := names(t, dir); got != test.left {
				t.Errorf("the killed process left %s, want %s", got, test.left)
			}
			after := open(t, path) // the lock died with it
			wantPayload(t, after, test.want)
			if got := names(t, dir); got != "state state.lock" {
				t.Errorf("after the next start there is %s", got)
			}
			save(t, after, "the next")
			wantPayload(t, after, "the next")
		})
	}
}

// Killed at moments that nobody chose: what was said to be saved is found, or what was being saved after it.
func TestM9AWriterKilledAtAnyMomentLosesNothingItSaidWasSaved(t *testing.T) {
	kills := 60
	if testing.Short() {
		kills = 10
	}
	random := rand.New(rand.NewPCG(9, 20))
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	for range kills {
		cmd := process("saves", dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, last := bufio.NewScanner(out), 0
		var killer *time.Timer
		for lines.Scan() {
			if last, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
			if killer == nil { // the first is saved
				killer = time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
		_, _ = io.Copy(io.Discard, out)
		wantKilled(t, cmd.Wait(), nil)
		f := open(t, path)
		got, err := f.Load()
		if err != nil || string(got) != string(numbered(last)) && string(got) != string(numbered(last+1)) {
			t.Fatalf("%d was saved, then loaded %d bytes %.20q… (%v)", last, len(got), got, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What can't be saved is an error that says what to do, and the state before is whole.
func TestAFullDiskAndAReadOnlyDirectoryLeaveTheOldState(t *testing.T) {
	for _, test := range []struct{ role, want string }{
		{"limited", "file too large"},
		{"nobody", "permission denied"},
	} {
		t.Run(test.role, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state")
			before := open(t, path)
			save(t, before, oldPayload)
			if err := before.Close(); err != nil {
				t.Fatal(err)
			}
			out, err := process(test.role, dir).CombinedOutput()
			if err == nil || !strings.Contains(string(out), test.want) {
				t.Errorf("saving ended with %v: %s", err, out)
			}
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if got := names(t, dir); got != "state state.lock" {
				t.Errorf("the directory has %s", got)
			}
			wantPayload(t, open(t, path), oldPayload)
		})
	}
}
