package supervise

import (
	"syscall"
	"unsafe"
)

const pPid = 1 // P_PID of waitid(2)

// reap says whether a child has exited, and how, without waiting for it. It calls before while the exited child still
// holds its process id, which therefore no other process or group can have.
func reap(pid int, before func()) (status syscall.WaitStatus, exited bool) {
	// siginfo_t is 128 bytes; its first field, si_signo, stays 0 if the child still runs.
	var info [128 / 4]int32
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPid, uintptr(pid), uintptr(unsafe.Pointer(&info)),
		syscall.WEXITED|syscall.WNOHANG|syscall.WNOWAIT, 0, 0)
	if errno != 0 && errno != syscall.ECHILD || errno == 0 && info[0] == 0 {
		return 0, false
	}
	before()
	syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
	return status, true
}
