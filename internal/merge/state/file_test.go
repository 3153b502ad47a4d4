package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/internal/hint"
)

const kind = "test"

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path, kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func save(t testing.TB, f *File, payload string) {
	t.Helper()
	if err := f.Save([]byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func wantPayload(t testing.TB, f *File, want string) {
	t.Helper()
	if got, err := f.Load(); err != nil || string(got) != want {
		t.Errorf("loaded %.60q (%v), want %.60q", got, err, want)
	}
}

// names lists a directory, in order.
func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestWhatWasSavedLastIsLoaded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	f := open(t, path)
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	for _, payload := range []string{"one", "", strings.Repeat("long ", 1<<16), "two"} {
		save(t, f, payload)
		wantPayload(t, f, payload)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wantPayload(t, open(t, path), "two")
	if got := names(t, dir); got != "state state.lock" {
		t.Errorf("the directory has %s", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}

func TestTwoProcessesDoNotShareAStateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first := open(t, path)
	_, err := Open(path, kind)
	if !errors.Is(err, ErrInUse) || hint.Of(err) == "" {
		t.Errorf("the second got %v, hint %q", err, hint.Of(err))
	}
	save(t, first, "the first goes on")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	wantPayload(t, open(t, path), "the first goes on")
}

func TestAClosedFileIsNeitherWrittenNorRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first := open(t, path)
	save(t, first, "first")
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	second := open(t, path)
	save(t, second, "second")
	_, loadErr := first.Load()
	for _, err := range []error{first.Save(nil), loadErr, first.Refuse(errors.New("no"))} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("after it was closed: %v", err)
		}
	}
	wantPayload(t, second, "second")
}

func TestAPayloadThatIsRefusedIsKeptAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	save(t, f, "what nobody can read")
	cause := errors.New("nobody can read it")
	var damaged *DamagedError
	if err := f.Refuse(cause); !errors.As(err, &damaged) || damaged.Reason != Payload || !strings.Contains(err.Error(), cause.Error()) {
		t.Errorf("refused with %v", err)
	}
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("found again: %v", err)
	}
	if got := names(t, filepath.Dir(path)); got != "state.damaged state.lock" {
		t.Errorf("the directory has %s", got)
	}
}

// wantDamaged puts content in the file's place and demands that it is refused, kept aside and not found again.
func wantDamaged(t *testing.T, f *File, what string, content []byte, reasons ...Reason) {
	t.Helper()
	if err := os.WriteFile(f.path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	payload, err := f.Load()
	var damaged *DamagedError
	if !errors.As(err, &damaged) || !slices.Contains(reasons, damaged.Reason) || payload != nil || hint.Of(err) == "" {
		t.Fatalf("%s: loaded %q, error %v, want reason %v", what, payload, err, reasons)
	}
	if kept, err := os.ReadFile(damaged.Kept); err != nil || !bytes.Equal(kept, content) {
		t.Fatalf("%s: kept %q (%v)", what, kept, err)
	}
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s: found again: %v", what, err)
	}
}

func TestM21APartialFileIsNeverReadAsState(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state"))
	save(t, f, "the payload")
	whole, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		wantDamaged(t, f, "cut", whole[:n], Truncated)
		if n >= len(magic) {
			wantDamaged(t, f, "zeros from here", append(bytes.Clone(whole[:n]), make([]byte, len(whole)-n)...), Truncated, Changed, Version)
		}
	}
	wantDamaged(t, f, "zeros", make([]byte, len(whole)), Truncated)
	wantDamaged(t, f, "more", append(bytes.Clone(whole), 0), Changed)
	later := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(later[atVersion:], version+1)
	wantDamaged(t, f, "of a later version", later, Version)
	save(t, f, "afresh")
	wantPayload(t, f, "afresh")
	if got := names(t, filepath.Dir(f.path)); got != "state state.damaged state.lock" {
		t.Errorf("the directory has %s: only the latest damaged file is to be kept", got)
	}
}

func TestM21NoBitThatFlipsGoesUnnoticed(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state"))
	save(t, f, "the payload")
	whole, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(whole) * 8 {
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		if bit/8 >= len(magic) {
			wantDamaged(t, f, "flipped", flipped, Truncated, Changed, Version)
			continue
		}
		if err := os.WriteFile(f.path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if payload, err := f.Load(); !errors.Is(err, ErrForeign) {
			t.Fatalf("bit %d: loaded %q, error %v", bit, payload, err)
		}
	}
}

// A file of a terabyte that takes no room on the disk is refused by its size, before memory is taken for it.
func TestM12AHugeFileIsNotRead(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state"))
	huge := make([]byte, headerSize)
	copy(huge, magic)
	binary.LittleEndian.PutUint32(huge[atVersion:], version)
	binary.LittleEndian.PutUint64(huge[atLength:], 1<<40-headerSize)
	for _, test := range []struct {
		name  string
		start []byte
		want  Reason
	}{{"that says so", huge, TooLarge}, {"of zeros", nil, Truncated}} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(f.path, test.start, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(f.path, 1<<40); err != nil {
				t.Fatal(err)
			}
			var damaged *DamagedError
			if _, err := f.Load(); !errors.As(err, &damaged) || damaged.Reason != test.want {
				t.Errorf("loaded with %v, want %s", err, test.want)
			}
		})
	}
	if err := f.Save(make([]byte, MaxBytes+1)); err == nil {
		t.Error("saved what can't be loaded")
	}
}

// What is there and isn't ours is neither read, nor waited for, nor replaced, whether it is there at the start or comes later.
func TestM12WhatIsNoStateFileIsNotTouched(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string) error{
		"a pipe":          func(_ *testing.T, path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link":          func(_ *testing.T, path string) error { return os.Symlink("/etc/passwd", path) },
		"a dangling link": func(_ *testing.T, path string) error { return os.Symlink("nowhere", path) },
		"a directory":     func(_ *testing.T, path string) error { return os.Mkdir(path, 0o700) },
		"a socket": func(t *testing.T, path string) error {
			t.Chdir(filepath.Dir(path)) // its path is too long for a socket
			l, err := net.Listen("unix", filepath.Base(path))
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
		"somebody's file": func(_ *testing.T, path string) error { return os.WriteFile(path, []byte("scrape_configs:"), 0o600) },
		"the state of another kind": func(_ *testing.T, path string) error {
			h := header("other", nil)
			return os.WriteFile(path, h[:], 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			f := open(t, path)
			if err := put(t, path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Load(); !errors.Is(err, ErrForeign) || hint.Of(err) == "" {
				t.Errorf("loaded with %v, hint %q", err, hint.Of(err))
			}
			f.Close()
			if !before.Mode().IsRegular() { // the content is looked at when it is loaded
				if _, err := Open(path, kind); !errors.Is(err, ErrForeign) || hint.Of(err) == "" {
					t.Errorf("opened with %v, hint %q", err, hint.Of(err))
				}
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) || before.Size() != after.Size() {
				t.Errorf("it was touched: %v", err)
			}
		})
	}
}

// Beside the state file: whoever may write the directory can put a pipe or a link where the lock or the new file goes.
func TestM12LinksAndPipesBesideTheFileAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	path, precious := filepath.Join(dir, "state"), filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, put := range []func(string) error{
		func(lock string) error { return syscall.Mkfifo(lock, 0o600) },
		func(lock string) error { return os.Symlink(precious, lock) },
		func(lock string) error { return os.Mkdir(lock, 0o700) },
	} {
		if err := put(path + ".lock"); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, kind); err == nil || hint.Of(err) == "" {
			t.Errorf("opened with %v, hint %q", err, hint.Of(err))
		}
		if err := os.Remove(path + ".lock"); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, path)
	if err := os.Symlink(precious, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := f.Save([]byte("state")); err == nil {
		t.Error("saved through a link")
	}
	save(t, f, "state") // the link is gone
	if content, err := os.ReadFile(precious); err != nil || string(content) != "precious" {
		t.Errorf("a link was followed: %q (%v)", content, err)
	}
}

func TestADirectoryThatIsNotThereIsAnErrorWithAHint(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "no", "state")} {
		if _, err := Open(path, kind); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: %v, hint %q", path, err, hint.Of(err))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, payload := range []string{"", "payload"} {
		h := header(kind, []byte(payload))
		f.Add(append(h[:], payload...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		payload, err := decode(kind, file)
		if err != nil {
			var unfit *unusable
			var other *foreign
			if payload != nil || !errors.As(err, &unfit) && !errors.As(err, &other) {
				t.Errorf("%q with %v", payload, err)
			}
			return
		}
		if h := header(kind, payload); !bytes.Equal(append(h[:], payload...), file) {
			t.Errorf("%q was read as %q, which is written differently", file, payload)
		}
	})
}

func BenchmarkSave(b *testing.B) {
	f := open(b, filepath.Join(b.TempDir(), "state"))
	payload := make([]byte, 10<<20)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Save(payload); err != nil {
			b.Fatal(err)
		}
	}
}
