package pydir

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// identity tells files apart that had or have the same name.
type identity struct {
	device, inode uint64
	born          int64 // nanoseconds since 1970; 0 where the file system doesn't tell
}

// status is what the file system says of a file or directory.
type status struct {
	identity
	owner    uint32
	links    uint32 // names that it has
	regular  bool
	modified int64 // nanoseconds since 1970
}

// openRegular opens an entry of a directory for reading, unless it is a link, a pipe, a device or anything else that is
// no file: opening those can wait for ever or have effects. The directory is given by its descriptor, so nobody can
// exchange it meanwhile.
func openRegular(dir int, base string) (*os.File, status, error) {
	before, err := statusAt(dir, base)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, status{}, fs.ErrNotExist
	case err != nil:
		return nil, status{}, leftOut(reasonUnreadable, "%w", err)
	case !before.regular:
		return nil, status{}, leftOut(reasonNotRegular, "it is no regular file")
	}
	fd, err := unix.Openat(dir, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, status{}, fs.ErrNotExist
	case err != nil:
		return nil, status{}, leftOut(reasonUnreadable, "%w", err)
	}
	s, err := statusOf(fd)
	switch {
	case err != nil:
		err = leftOut(reasonUnreadable, "%w", err)
	case !s.regular: // exchanged meanwhile
		err = leftOut(reasonNotRegular, "it is no regular file")
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, status{}, err
	}
	return os.NewFile(uintptr(fd), base), s, nil
}
