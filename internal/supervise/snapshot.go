package supervise

import (
	"slices"
	"syscall"
	"time"
)

// State is where a replica or a worker is in its life.
type State string

const (
	// Starting: not ready yet.
	Starting State = "starting"
	// Ready: serves.
	Ready State = "ready"
	// Waiting: a worker died before it was ready and is started again at RetryAt.
	Waiting State = "waiting"
	// Draining: asked to end, or ending by itself.
	Draining State = "draining"
)

// Snapshot is what a Service looked like at one moment. It is the caller's to keep.
type Snapshot struct {
	// Desired is the number of replicas last asked for.
	Desired int
	// Replicas are ordered by ordinal. One that is no longer wanted stays, draining, until its last process is gone.
	Replicas []Replica
}

// Replica is a group of workers behind one merged count.
type Replica struct {
	Name    string // clicks-0
	Ordinal int
	State   State
	// Ready says that all workers have been ready and at least one still is, and that the replica is not draining.
	Ready     bool
	StartedAt time.Time
	// MetricsDir is where the workers' metrics sockets are, with [Sockets], or what they write, with [Directory]; else "".
	MetricsDir string
	// MetricsPort is the first of the replica's Workers metrics ports, with [Ports]; else 0.
	MetricsPort int
	// Workers are the processes of the command, in the order of their index. With [ManagerProgram] there is one, the
	// program, whatever it forks.
	Workers []Worker
}

// Has says whether a process that runs now is one of the replica's, or was started by one of them.
func (r Replica) Has(pid int) bool {
	if pid <= 1 {
		return false
	}
	group, err := syscall.Getpgid(pid)
	return err == nil && slices.ContainsFunc(r.Workers, func(w Worker) bool { return w.PID == group })
}

// Worker is one process of a replica, or the place of one that waits to be started again.
type Worker struct {
	Index int
	PID   int // 0 while there is no process
	State State
	// StartedAt is the time of the process; zero while there is none.
	StartedAt time.Time
	// Metrics is where this very worker serves its metrics, if the supervisor knows it (with [Sockets], started by us).
	Metrics Endpoint
	// Failures counts the starts in a row that ended before the worker was ready, Reason tells of the last one, and
	// RetryAt is when the next start is due while State is Waiting.
	Failures int
	Reason   string
	RetryAt  time.Time
}

// Endpoint is a network and an address as net.Dial takes them.
type Endpoint struct{ Network, Address string }
