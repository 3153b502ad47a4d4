package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/truecount/truecount/internal/hint"
)

// MaxBytes is the longest payload that is saved or loaded.
const MaxBytes = 256 << 20

var (
	// ErrInUse is what [Open] returns while another process, or another File of this one, has the file open.
	ErrInUse = errors.New("it is in use by another process")
	// ErrForeign tells that there is something in the file's place that we did not put there. It was not touched.
	ErrForeign = errors.New("it is not ours")
)

// DamagedError is what [File.Load] returns for a state file that can't be used.
type DamagedError struct {
	Path   string
	Kept   string // where the file is now; "" if it could not be moved: the next Save replaces it
	Reason Reason
	err    error
}

func (e *DamagedError) Error() string {
	if e.Kept == "" {
		return fmt.Sprintf("state file %s can't be used: %v", e.Path, e.err)
	}
	return fmt.Sprintf("state file %s can't be used: %v; it is kept as %s", e.Path, e.err, e.Kept)
}

// File is a state file that this process alone has. Make one with [Open]. Its methods may be called concurrently.
type File struct {
	path, kind string
	lock       *os.File

	mu     sync.Mutex
	closed bool
	atStep func(step) // for tests; nil in production
}

// step is a moment of Save at which a process may be killed.
type step string

const (
	stepCreated   step = "created"   // the new file is there, empty
	stepPartial   step = "partial"   // a part of it is written
	stepWritten   step = "written"   // all of it
	stepSynced    step = "synced"    // and it is on the disk
	stepRenamed   step = "renamed"   // it has taken the old one's place
	stepDirSynced step = "dirsynced" // and that is on the disk
)

// Open takes the state file at path for this process and removes what a Save that was killed has left. The file need not
// exist; its directory must, and be writable. Kind tells whose payload it is, in at most 16 bytes.
// Errors carry a hint; they are [ErrInUse], [ErrForeign] or of the system.
func Open(path, kind string) (*File, error) {
	if path == "" || kind == "" || len(kind) > kindSize || strings.Contains(kind, "\x00") {
		return nil, hint.Errorf("name a file in a directory that stays", "state file %q of kind %q: one of the names is empty or too long", path, kind)
	}
	f := &File{path: path, kind: kind}
	if _, err := f.stat(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	lock, err := takeLock(path + ".lock")
	switch {
	case errors.Is(err, ErrInUse):
		return nil, hint.Errorf("give each sidecar a state file of its own", "state file %s: %w", path, err)
	case err != nil:
		return nil, hint.Errorf("its directory must exist and be writable", "state file %s: cannot lock it: %w", path, err)
	}
	f.lock = lock
	if err := syscall.Unlink(f.fresh()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("remove it", "state file %s: cannot remove what an earlier save has left: %w",
			path, errors.Join(&fs.PathError{Op: "unlink", Path: f.fresh(), Err: err}, lock.Close()))
	}
	return f, nil
}

// takeLock locks the file at path, making it if need be. The lock ends when the file is closed, or with the process.
func takeLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	for err == nil {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return file, nil
		case errors.Is(err, syscall.EINTR):
			err = nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			err = ErrInUse
		default:
			err = &fs.PathError{Op: "lock", Path: path, Err: err}
		}
	}
	return nil, errors.Join(err, file.Close())
}

// Close lets go of the file, after a Save under way. What is called later fails with [os.ErrClosed].
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.lock.Close()
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

func (f *File) fresh() string   { return f.path + ".new" }
func (f *File) damaged() string { return f.path + ".damaged" }

// stat looks at what is in the file's place. Nothing but a regular file will do.
func (f *File) stat() (fs.FileInfo, error) {
	info, err := os.Lstat(f.path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, hint.Errorf("name a file in a directory that exists", "state file: %w", err)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, hint.Errorf("name a file in it", "state file %s: %w: it is a directory", f.path, ErrForeign)
	case !info.Mode().IsRegular():
		return nil, hint.Errorf("name a regular file, not a link, pipe or device", "state file %s: %w: it is not a regular file", f.path, ErrForeign)
	}
	return info, nil
}

// Load returns the payload that was saved last. Without a file the error is [fs.ErrNotExist]; of a file that can't be used
// it is a [DamagedError], after which one starts afresh; [ErrForeign] and errors of the system are for the operator.
func (f *File) Load() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, os.ErrClosed
	}
	if _, err := f.stat(); err != nil {
		return nil, err
	}
	content, err := read(f.path)
	var payload []byte
	if err == nil {
		payload, err = decode(f.kind, content)
	}
	var unfit *unusable
	var other *foreign
	switch {
	case err == nil:
		return payload, nil
	case errors.As(err, &other):
		return nil, hint.Errorf("name another file, or move this one away", "state file %s: %w: %w", f.path, ErrForeign, err)
	case !errors.As(err, &unfit):
		return nil, hint.Errorf("its owner must be the user who runs this program", "state file: %w", err)
	}
	return nil, f.setAside(unfit.reason, err)
}

// Refuse is for a payload that was loaded whole and can't be used for the cause given: the file is set aside as a damaged
// one is, and the [DamagedError] is returned.
func (f *File) Refuse(cause error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	return f.setAside(Payload, cause)
}

func (f *File) setAside(r Reason, cause error) error {
	damaged := &DamagedError{Path: f.path, Reason: r, err: cause}
	if os.Rename(f.path, f.damaged()) == nil {
		damaged.Kept = f.damaged()
	}
	return hint.Errorf("counters begin again from what the living have counted; if it happens again look at the disk", "%w", damaged)
}

// read reads a whole file, which may have been replaced since it was looked at: it neither follows a link nor waits for
// the other end of a pipe.
func read(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &foreign{"it is not a regular file"}
	}
	first := make([]byte, min(headerSize, info.Size()))
	if _, err := io.ReadFull(file, first); err != nil {
		return nil, &unusable{Truncated, "it became shorter while it was read"}
	}
	if err := checkHeader(first, info.Size()); err != nil { // before as much memory is taken as it claims to need
		return nil, err
	}
	content := make([]byte, info.Size())
	copy(content, first)
	if _, err := io.ReadFull(file, content[len(first):]); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil, &unusable{Truncated, "it became shorter while it was read"}
	} else if err != nil {
		return nil, err
	}
	return content, nil
}

// Save puts payload in the place of the one before and returns when it is on the disk. After an error the one before is
// still there, unless the error is of the very last step, after which either may be found. Payload is not kept.
func (f *File) Save(payload []byte) error {
	if len(payload) > MaxBytes {
		return fmt.Errorf("state file %s: %d bytes are more than the %d that are kept", f.path, len(payload), MaxBytes)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return os.ErrClosed // somebody else may have it
	}
	err := f.write(payload)
	if err == nil {
		err = os.Rename(f.fresh(), f.path)
	}
	if err != nil {
		_ = syscall.Unlink(f.fresh())
		return hint.Errorf(adviceFor(err), "state file: %w", err)
	}
	f.reached(stepRenamed)
	if err := syncDir(filepath.Dir(f.path)); err != nil {
		return hint.Errorf(adviceFor(err), "state file: %w", err)
	}
	f.reached(stepDirSynced)
	return nil
}

// write makes the new file. Nobody else could have: we have the lock, and what is there is not opened but an error.
func (f *File) write(payload []byte) error {
	file, err := os.OpenFile(f.fresh(), os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	f.reached(stepCreated)
	h := header(f.kind, payload)
	half := len(payload) / 2
	for i, part := range [][]byte{h[:], payload[:half], payload[half:]} {
		if _, err := file.Write(part); err != nil {
			return err
		}
		if i == 1 {
			f.reached(stepPartial)
		}
	}
	f.reached(stepWritten)
	if err := file.Sync(); err != nil {
		return err
	}
	f.reached(stepSynced)
	return file.Close()
}

func (f *File) reached(s step) {
	if f.atStep != nil {
		f.atStep(s)
	}
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func adviceFor(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return "make room: while it is saved there are two of it"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "its directory must be writable for the user who runs this program"
	}
	return "look at the disk and the directory of the file"
}
