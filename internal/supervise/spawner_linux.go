package supervise

import "syscall"

// workerAttributes puts a worker in a process group of its own and has the kernel kill it when its supervisor dies.
func workerAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
