package supervise

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/hint"
)

// idlePoll is how often the loop looks although nothing asked it to.
const idlePoll = time.Second

// control is the loop that brings the processes in line with what is wanted. One goroutine owns all of it; others only
// wake it.
type control struct {
	opts     *Options
	program  string
	ownEnv   []string
	listener *net.TCPListener // nil: the program binds its own
	log      *slog.Logger
	metrics  *metrics
	wake     func()

	spawner *spawner
	guard   *guard
	output  *lineWriter

	replicas   []*replica // by ordinal
	spawned    int        // numbers the notify sockets
	notifies   bool       // the program was heard to notify
	next       time.Time  // when the loop has to look again
	background sync.WaitGroup
}

// open starts what the loop needs.
func (c *control) open() error {
	if err := prepareRuntimeDir(c.opts.RuntimeDir, c.opts.Name); err != nil {
		return err
	}
	c.spawner = newSpawner()
	guard, err := startGuard(c.spawner)
	if err != nil {
		c.spawner.close()
		return err
	}
	c.guard = guard
	c.output = newLineWriter(c.opts.Output, c.metrics.droppedLines)
	return nil
}

// close is called when all processes are gone.
func (c *control) close() {
	c.guard.close()
	c.spawner.close()
	c.background.Wait()
	c.output.close()
}

// loop runs until the context is done and every process has ended since.
func (c *control) loop(ctx context.Context, s *Service) {
	exits := make(chan os.Signal, 1)
	signal.Notify(exits, syscall.SIGCHLD)
	defer signal.Stop(exits)
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil
			s.stop()
			if c.listener != nil {
				c.listener.Close() // with the workers' copies gone too, clients are told at once that nobody listens
			}
			c.log.Info("service drains", "application", c.opts.Name)
		case request := <-s.kills:
			request.reply <- c.kill(request.pid)
		case <-s.woken:
		case <-exits:
		case <-timer.C:
		}
		now := c.opts.Now()
		c.step(s.wanted(), now)
		s.publish(c.snapshot(s.wanted()))
		if done == nil && len(c.replicas) == 0 {
			return
		}
		timer.Reset(c.next.Sub(now))
	}
}

// step does everything that is due at one moment and sets c.next.
func (c *control) step(desired int, now time.Time) {
	c.next = now.Add(idlePoll)
	if !c.guard.alive() {
		c.log.Warn("the guard process died and is replaced")
		c.checkGuard(c.guard.restart())
	}
	c.scale(desired, now)
	for _, r := range c.replicas {
		c.look(r, now)
	}
	ended := func(r *replica) bool { return r.draining && r.gone() }
	for _, r := range c.replicas {
		if ended(r) {
			removeReplicaDir(r.dir)
			c.cleanAfter(r)
			c.log.Info("replica ended", "replica", r.name)
			c.at(now) // its ordinal is free, which a new one may wait for
		}
	}
	c.replicas = slices.DeleteFunc(c.replicas, ended)
}

// at asks for a look at t.
func (c *control) at(t time.Time) {
	if t.Before(c.next) {
		c.next = t
	}
}

func (c *control) checkGuard(err error) {
	if err != nil {
		c.log.Error("without a guard process, workers may outlive a supervisor that is killed", "error", err)
	}
}

// removeSocketsOf removes the metrics socket of a worker that has exited. It is called while no other process can have
// the same id.
func (c *control) removeSocketsOf(p *process) {
	if p.socket != "" {
		os.Remove(p.socket)
	}
}

// kill sends SIGKILL to a worker, or to a process that a worker started.
func (c *control) kill(pid int) error {
	group, err := syscall.Getpgid(pid)
	if pid > 1 && err == nil && c.owns(group) {
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return hint.Errorf("look up the workers that run now", "%s: process %d is not one of its workers", c.opts.Name, pid)
}

func (c *control) owns(group int) bool {
	for _, r := range c.replicas {
		for _, s := range r.slots {
			if s.process != nil && s.process.pid == group && !s.process.gone {
				return true
			}
		}
	}
	return false
}

func (c *control) snapshot(desired int) Snapshot {
	snapshot := Snapshot{Desired: desired, Replicas: make([]Replica, 0, len(c.replicas))}
	for _, r := range c.replicas {
		replica := Replica{
			Name: r.name, Ordinal: r.ordinal, State: r.state(), Ready: r.ready(), StartedAt: r.startedAt,
			MetricsPort: c.opts.startPort(r.ordinal),
		}
		switch m := c.opts.Metrics.(type) {
		case Sockets:
			replica.MetricsDir = r.dir
		case Directory:
			replica.MetricsDir = m.Of(r.name)
		}
		for _, s := range r.slots {
			replica.Workers = append(replica.Workers, s.snapshot(r.draining))
		}
		snapshot.Replicas = append(snapshot.Replicas, replica)
	}
	return snapshot
}

func (s *slot) snapshot(draining bool) Worker {
	w := Worker{Index: s.index, State: Waiting, Failures: s.backoff.failures, Reason: s.reason}
	if p := s.process; p != nil {
		w.PID, w.State, w.StartedAt = p.pid, p.state(), p.startedAt
		if p.socket != "" {
			w.Metrics = Endpoint{Network: "unix", Address: p.socket}
		}
		return w
	}
	if draining {
		w.State = Draining
		return w
	}
	w.RetryAt = s.backoff.retryAt
	return w
}
