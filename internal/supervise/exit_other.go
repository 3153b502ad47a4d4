//go:build !linux

package supervise

import "syscall"

// reap says whether a child has exited, and how, without waiting for it, and calls before if so. Other systems have no
// dependable way to look before the process id is given back (macOS' waitid also returns for stopped children).
func reap(pid int, before func()) (status syscall.WaitStatus, exited bool) {
	got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
	if got != pid && err != syscall.ECHILD {
		return 0, false
	}
	before()
	return status, true
}
