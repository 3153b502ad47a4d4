package supervise

import (
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// reasonTimeout is how long the last words of a worker that died are waited for.
	reasonTimeout = 250 * time.Millisecond
	// groupPoll is how often a group is looked at whose leader has ended; nothing tells of its end.
	groupPoll = 50 * time.Millisecond
	// groupTimeout is when a group that was killed counts as gone: what is left are zombies that their new parent,
	// the system's init, does not collect.
	groupTimeout = time.Second
)

// process is one worker process and its group. The control loop owns it.
type process struct {
	name      string // clicks-0/2
	pid       int    // and process group id
	startedAt time.Time
	socket    string // where it serves its metrics, "" if not known
	notify    *notifySocket
	outputs   *outputs

	ready  bool
	killAt time.Time // when its group is killed; zero while it is wanted
	killed bool      // by us, at killAt

	exited   bool // and reaped; others of its group may still run
	exitedAt time.Time
	status   syscall.WaitStatus
	gone     bool // the whole group
}

// spawn starts one worker of a replica.
func (c *control) spawn(r *replica, index int, now time.Time) (*process, error) {
	if err := makeReplicaDir(r.dir); err != nil {
		return nil, err
	}
	if err := c.cleanOnce(r); err != nil {
		return nil, err
	}
	c.spawned++
	notify, err := listenNotify(filepath.Join(r.dir, notifyDir, strconv.Itoa(c.spawned)), c.wake)
	if err != nil {
		return nil, err
	}
	outputs, stdout, stderr, err := openOutputs()
	if err != nil {
		notify.close()
		return nil, err
	}
	p := &process{name: r.name + "/" + strconv.Itoa(index), startedAt: now, notify: notify, outputs: outputs}
	l := launch{
		path: c.program, args: c.opts.Command, dir: c.opts.Dir,
		env:    c.opts.environment(c.ownEnv, r, index, notify.path),
		stdout: stdout, stderr: stderr, listener: c.listener,
	}
	p.pid, err = c.spawner.start(l.start)
	stdout.Close()
	stderr.Close()
	outputs.read(p.name+" | ", c.output, c.wake)
	if err != nil {
		notify.close()
		outputs.close()
		return nil, err
	}
	if _, ok := c.opts.Metrics.(Sockets); ok && c.opts.Manager == ManagerTruecount {
		p.socket = metricsSocket(r.dir, p.pid)
	}
	c.checkGuard(c.guard.add(p.pid))
	c.metrics.starts.Inc()
	return p, nil
}

// observe brings p up to date with its process: ready, overdue, exited, gone.
func (c *control) observe(p *process, now time.Time) {
	if !p.exited {
		c.observeExit(p, now)
	}
	c.observeReady(p, now)
	if p.exited {
		c.observeGroup(p, now)
		return
	}
	if p.killAt.IsZero() {
		return
	}
	if now.Before(p.killAt) {
		c.at(p.killAt)
		return
	}
	if !p.killed {
		p.killed = true
		c.log.Warn("worker did not end in time and is killed", "worker", p.name, "pid", p.pid, "timeout", c.opts.DrainTimeout)
		syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}

func (c *control) observeExit(p *process, now time.Time) {
	p.status, p.exited = reap(p.pid, func() {
		c.removeSocketsOf(p)
		syscall.Kill(-p.pid, syscall.SIGTERM) // whoever it started ends with it
	})
	if !p.exited {
		return
	}
	p.exitedAt = now
	p.notify.close()
	if p.killAt.IsZero() {
		p.killAt = now.Add(c.opts.DrainTimeout)
	}
}

func (c *control) observeReady(p *process, now time.Time) {
	if p.notify.ready.Load() {
		p.ready, c.notifies = true, true
	}
	// A program that was heard to notify is waited for, whichever of its workers it was.
	if p.ready || p.exited || c.notifies || !p.killAt.IsZero() {
		return
	}
	if at := p.startedAt.Add(c.opts.ReadyAfter); now.Before(at) {
		c.at(at)
	} else {
		p.ready = true
	}
}

// observeGroup ends what a worker that has exited left behind in its group.
func (c *control) observeGroup(p *process, now time.Time) {
	if p.gone {
		return
	}
	switch {
	case syscall.Kill(-p.pid, 0) != nil:
		p.gone = true
	case now.After(p.killAt.Add(groupTimeout)):
		c.log.Warn("processes of an ended worker cannot be killed", "worker", p.name, "group", p.pid)
		p.gone = true
	case !now.Before(p.killAt):
		syscall.Kill(-p.pid, syscall.SIGKILL)
	}
	if !p.gone {
		c.at(now.Add(groupPoll))
		return
	}
	c.checkGuard(c.guard.remove(p.pid))
	p.outputs.expire()
	c.background.Go(p.outputs.close)
}

// told says whether all that can be known of the end of an exited process is known, its last words included.
func (p *process) told(now time.Time) bool {
	select {
	case <-p.outputs.stderrDone:
		return true
	default:
		return p.ready || now.Sub(p.exitedAt) >= reasonTimeout
	}
}

// terminate asks a process to end. SIGCONT lets a stopped one hear it.
func (c *control) terminate(p *process, now time.Time) {
	if p.exited || !p.killAt.IsZero() {
		return
	}
	p.killAt = now.Add(c.opts.DrainTimeout)
	c.at(p.killAt)
	syscall.Kill(p.pid, syscall.SIGTERM)
	syscall.Kill(p.pid, syscall.SIGCONT)
}

func (p *process) state() State {
	switch {
	case !p.killAt.IsZero() || p.notify.stopping.Load():
		return Draining
	case p.ready:
		return Ready
	}
	return Starting
}

// reason says how a process ended, with what it said last.
func (p *process) reason() string {
	how := fmt.Sprintf("exit status %d", p.status.ExitStatus())
	if p.status.Signaled() {
		how = fmt.Sprintf("killed by signal %d (%v)", p.status.Signal(), p.status.Signal())
	}
	if last := p.outputs.lastError(); last != "" {
		return how + ": " + last
	}
	return how
}
