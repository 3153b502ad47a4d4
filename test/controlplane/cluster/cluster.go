// Package cluster is a Kubernetes control plane of one machine: etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler as real processes, certificates of its own, and beside them what a cluster has on its nodes: a kubelet that
// runs pods ([kubelet]), the services' addresses and their names ([services]).
//
// It is made for the inside of [namespace.Run], where its addresses are free.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/truecount/truecount/test/controlplane/kubelet"
	"github.com/truecount/truecount/test/controlplane/services"
	"github.com/truecount/truecount/test/process"
)

// Options say what is started.
type Options struct {
	// Kubeone is the path of the program with the control plane.
	Kubeone string
	// Dir keeps certificates, data, logs. It must exist.
	Dir string
	// SyncPeriod and Stabilization are the autoscaler's: how often it decides, and how long it remembers high
	// recommendations where an HPA does not say.
	SyncPeriod, Stabilization time.Duration
	// Nodes are the names of the nodes that pods are scheduled to.
	Nodes []string
	// Images are the programs that containers run.
	Images []kubelet.Image
}

// Cluster is a control plane that runs.
type Cluster struct {
	Dir        string
	Kubeone    string
	Kubeconfig string       // of an administrator
	Config     *rest.Config // the same, without a limit of requests
	Client     kubernetes.Interface
	Kubelet    *kubelet.Kubelet
	PKI        *PKI

	processes []*process.Process
	stops     []func()
}

// Start returns when the API server is ready and the nodes are. On an error what was started is stopped.
func Start(ctx context.Context, opts Options) (_ *Cluster, err error) {
	c := &Cluster{Dir: opts.Dir, Kubeone: opts.Kubeone}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	for _, dir := range []string{"pki", "logs", "etcd", "pods"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	if c.PKI, err = newPKI(filepath.Join(c.Dir, "pki")); err != nil {
		return nil, err
	}
	if err := c.start("etcd", etcdFlags(c.Dir)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "audit.yaml"), []byte(auditPolicy), 0o644); err != nil {
		return nil, err
	}
	if err := c.start("kube-apiserver", apiServerFlags(c.Dir)); err != nil {
		return nil, err
	}
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	manager, err := c.kubeconfig("kube-controller-manager", "system:kube-controller-manager")
	if err != nil {
		return nil, err
	}
	if err := c.start("kube-controller-manager", controllerManagerFlags(c.Dir, manager, opts)); err != nil {
		return nil, err
	}
	scheduler, err := c.kubeconfig("kube-scheduler", "system:kube-scheduler")
	if err != nil {
		return nil, err
	}
	if err := c.start("kube-scheduler", schedulerFlags(scheduler)); err != nil {
		return nil, err
	}
	return c, c.startNodes(ctx, opts)
}

// connect waits until the API server says that it is ready.
func (c *Cluster) connect(ctx context.Context) (err error) {
	if c.Kubeconfig, err = c.kubeconfig("admin", "admin", "system:masters"); err != nil {
		return err
	}
	if c.Config, err = c.ConfigFor("admin", "system:masters"); err != nil {
		return err
	}
	if c.Client, err = kubernetes.NewForConfig(c.Config); err != nil {
		return err
	}
	return c.wait(ctx, "the API server is not ready", func(ctx context.Context) error {
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

func (c *Cluster) startNodes(ctx context.Context, opts Options) error {
	stopServices, err := services.Start(ctx, c.Client)
	if err != nil {
		return err
	}
	c.stops = append(c.stops, stopServices)
	c.Kubelet, err = kubelet.Start(ctx, kubelet.Options{
		Client: c.Client,
		Dir:    filepath.Join(c.Dir, "pods"),
		Logs:   filepath.Join(c.Dir, "logs"),
		Nodes:  opts.Nodes,
		Images: opts.Images,
		DNS:    services.DNS.String(),
	})
	if err != nil {
		return err
	}
	c.stops = append(c.stops, c.Kubelet.Stop)
	return nil
}

// start runs one of kubeone's programs.
func (c *Cluster) start(program string, flags []string) error {
	p, err := process.Start(program, filepath.Join(c.Dir, "logs"), exec.Command(c.Kubeone, append([]string{program}, flags...)...))
	if err != nil {
		return err
	}
	c.processes = append(c.processes, p)
	return nil
}

// patience is for a start on a machine with much else to do; a start takes about four seconds on one without.
const patience = 2 * time.Minute

// wait asks until there is no error. It ends early when a process of the control plane does.
func (c *Cluster) wait(ctx context.Context, what string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if ended := c.Ended(); ended != "" {
			return fmt.Errorf("%s has ended: see %s", ended, filepath.Join(c.Dir, "logs"))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Ended names a process of the control plane that has ended, "" if all run.
func (c *Cluster) Ended() string {
	for _, p := range c.processes {
		select {
		case <-p.Done():
			return p.Name
		default:
		}
	}
	return ""
}

// Stop ends everything in the reverse order. Pods' processes are killed.
func (c *Cluster) Stop() {
	for i := len(c.stops) - 1; i >= 0; i-- {
		c.stops[i]()
	}
	for i := len(c.processes) - 1; i >= 0; i-- {
		c.processes[i].Kill()
	}
	c.stops, c.processes = nil, nil
}

// Kubectl is a command line of kubectl, as an administrator.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Kubeone, append([]string{"kubectl"}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "HOME="+c.Dir)
	return cmd
}
