package pydir

import "golang.org/x/sys/unix"

// spareDescriptors is how many of the files that this process may have open are left to everything else: to scrapes above all.
// Where only few are allowed it is half of them.
const spareDescriptors = 256

// descriptors is how many files may be held open as far as the system is concerned.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return spareDescriptors
	}
	const most = 1 << 30 // what is unlimited is more than an int may have
	n := int(min(uint64(limit.Cur), most))
	return max(1, n-min(spareDescriptors, n/2))
}
