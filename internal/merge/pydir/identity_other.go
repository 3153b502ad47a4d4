//go:build !linux

package pydir

import "golang.org/x/sys/unix"

func statusAt(dir int, base string) (status, error) {
	var s unix.Stat_t
	err := unix.Fstatat(dir, base, &s, unix.AT_SYMLINK_NOFOLLOW)
	return toStatus(&s), err
}

func statusOf(fd int) (status, error) {
	var s unix.Stat_t
	err := unix.Fstat(fd, &s)
	return toStatus(&s), err
}

func toStatus(s *unix.Stat_t) status {
	return status{
		identity: identity{device: uint64(s.Dev), inode: s.Ino},
		owner:    s.Uid, links: uint32(s.Nlink), regular: s.Mode&unix.S_IFMT == unix.S_IFREG, modified: s.Mtim.Nano(),
	}
}
