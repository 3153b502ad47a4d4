//go:build !linux

package supervise

import "syscall"

// workerAttributes puts a worker in a process group of its own. There is no parent-death signal here: the guard alone
// ends the workers of a supervisor that was killed.
func workerAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
