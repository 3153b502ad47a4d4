package pydir

import "golang.org/x/sys/unix"

func statusAt(dir int, base string) (status, error) {
	return statx(dir, base, unix.AT_SYMLINK_NOFOLLOW)
}

func statusOf(fd int) (status, error) { return statx(fd, "", unix.AT_EMPTY_PATH) }

func statx(fd int, path string, flags int) (status, error) {
	var s unix.Statx_t
	if err := unix.Statx(fd, path, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &s); err != nil {
		return status{}, err
	}
	out := status{
		identity: identity{device: unix.Mkdev(s.Dev_major, s.Dev_minor), inode: s.Ino},
		owner:    s.Uid, links: s.Nlink, regular: s.Mode&unix.S_IFMT == unix.S_IFREG, modified: nanoseconds(s.Mtime),
	}
	if s.Mask&unix.STATX_BTIME != 0 {
		out.born = nanoseconds(s.Btime)
	}
	return out, nil
}

func nanoseconds(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
