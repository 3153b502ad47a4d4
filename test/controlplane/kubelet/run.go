package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/process"
)

// container is one of a pod's, with its process while there is one.
type container struct {
	worker  *worker
	spec    *corev1.Container
	image   *Image // nil: no process, ready at once
	network *network
	volumes *volumes

	mu       sync.Mutex
	process  *process.Process
	running  bool
	ready    bool
	restarts int32
	since    metav1.Time
	exitCode int32
}

func newContainer(w *worker, spec *corev1.Container, network *network, volumes *volumes) *container {
	c := &container{worker: w, spec: spec, image: w.kubelet.image(spec), network: network, volumes: volumes, since: metav1.Now()}
	c.running, c.ready = c.image == nil, c.image == nil
	return c
}

// The pause before a restart: shorter than a kubelet's 10 s to 5 min, so that tests do not wait for it.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
)

// run keeps the process running until ctx is done, and then ends it as the pod says.
func (c *container) run(ctx context.Context) {
	if c.image == nil {
		return
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		p, err := c.start(ctx)
		if err != nil {
			c.worker.log().Error("the container cannot be started", "container", c.spec.Name, "error", err)
		} else {
			probes, stopProbes := context.WithCancel(ctx)
			var probing sync.WaitGroup
			probing.Go(func() { c.probe(probes, p) })
			select {
			case <-p.Done():
			case <-ctx.Done():
				c.end(p)
			}
			stopProbes()
			probing.Wait()
			c.ended(p)
			c.worker.report(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			c.worker.report(ctx)
		}
	}
}

// start makes the container's file system, environment and command, and runs it.
func (c *container) start(ctx context.Context) (*process.Process, error) {
	spec, err := c.describe(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(spec.Root, 0o755); err != nil {
		return nil, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	file := spec.Root + ".json"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := append(c.network.enter(), "--", self, stage, file)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	pod := c.worker.pod
	p, err := process.Start(fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, c.spec.Name), c.worker.kubelet.opts.Logs, cmd)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.process, c.running, c.ready, c.since = p, true, !c.hasReadiness(), metav1.Now()
	c.mu.Unlock()
	c.worker.report(ctx)
	return p, nil
}

func (c *container) describe(ctx context.Context) (*containerSpec, error) {
	env, err := c.environment(ctx)
	if err != nil {
		return nil, err
	}
	pod := c.worker.pod
	spec := &containerSpec{
		Root:       filepath.Join(c.worker.dir(), "root-"+c.spec.Name),
		Program:    c.image.Program,
		Path:       c.image.Path,
		Command:    c.image.command(c.spec, env),
		WorkingDir: c.spec.WorkingDir,
		Files: map[string]string{
			"/etc/resolv.conf": fmt.Sprintf("search %[1]s.svc.cluster.local svc.cluster.local cluster.local\nnameserver %[2]s\noptions ndots:5\n", pod.Namespace, c.worker.kubelet.opts.DNS),
			"/etc/hosts":       fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", c.worker.address, pod.Name),
		},
	}
	for name, value := range env {
		spec.Env = append(spec.Env, name+"="+value)
	}
	if spec.Mounts, err = c.volumes.mounts(c.spec); err != nil {
		return nil, err
	}
	if security := pod.Spec.SecurityContext; security != nil {
		spec.User, spec.Group = number(security.RunAsUser, spec.User), number(security.RunAsGroup, spec.Group)
	}
	if security := c.spec.SecurityContext; security != nil {
		spec.User, spec.Group = number(security.RunAsUser, spec.User), number(security.RunAsGroup, spec.Group)
		spec.ReadOnly = security.ReadOnlyRootFilesystem != nil && *security.ReadOnlyRootFilesystem
	}
	return spec, nil
}

func number(value *int64, otherwise int) int {
	if value == nil {
		return otherwise
	}
	return int(*value)
}

// end is a container's: the pause before it, SIGTERM, and SIGKILL when the grace period is over.
func (c *container) end(p *process.Process) {
	deadline, cancel := context.WithTimeout(context.Background(), c.worker.gracePeriod())
	defer cancel()
	if hook := c.spec.Lifecycle; hook != nil && hook.PreStop != nil && hook.PreStop.Sleep != nil {
		select {
		case <-p.Done():
		case <-deadline.Done():
		case <-c.worker.gone:
		case <-time.After(time.Duration(hook.PreStop.Sleep.Seconds) * time.Second):
		}
	}
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.Done():
	case <-deadline.Done():
	case <-c.worker.gone: // deleted with force
	}
	p.Kill() // and what is left of its children
}

func (c *container) ended(p *process.Process) {
	p.Kill()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process, c.running, c.ready, c.since = nil, false, false, metav1.Now()
	c.exitCode = int32(p.State().ExitCode())
	c.restarts++
}

func (c *container) signalGroup(signal syscall.Signal) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process != nil && c.process.SignalGroup(signal) == nil
}
