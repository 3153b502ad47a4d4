package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"k8s.io/klog/v2"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"github.com/truecount/truecount/test/controlplane/kubelet"
	"github.com/truecount/truecount/test/controlplane/namespace"
	"github.com/truecount/truecount/test/tool"
)

// programs is the directory with what was built.
var programs = os.Getenv(programsVariable)

// What the outer process tells the inner one, which has no network.
const (
	programsVariable = "TRUECOUNT_CONTROLPLANE_PROGRAMS"
	operatorVariable = "TRUECOUNT_CONTROLPLANE_OPERATOR" // the Prometheus operator's sources
)

func TestMain(m *testing.M) {
	kubelet.Stage()
	if namespace.Inside() {
		os.Exit(inside(m))
	}
	if notPossible() != nil {
		os.Exit(m.Run()) // each test says why it does not run
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// notPossible is why this machine cannot have the cluster, nil if it can. Asked once.
var notPossible = sync.OnceValue(func() error {
	for _, name := range tools {
		if _, err := exec.LookPath(name); err != nil {
			return err
		}
	}
	return namespace.Check()
})

var tools = []string{"unshare", "nsenter", "ip"}

// outside builds what needs the network, and runs the tests inside.
func outside() (int, error) {
	flag.Parse()
	if flag.Lookup("test.list").Value.String() != "" {
		return namespace.Run()
	}
	dir, err := build()
	if err != nil {
		return 0, err
	}
	operator, err := download("github.com/prometheus-operator/prometheus-operator@v0.94.1")
	if err != nil {
		return 0, err
	}
	if err := errors.Join(os.Setenv(programsVariable, dir), os.Setenv(operatorVariable, operator)); err != nil {
		return 0, err
	}
	return namespace.Run()
}

// build returns the directory with all programs. It is kept, so that what did not change isn't linked again.
func build() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "truecount-controlplane")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	static := []string{"CGO_ENABLED=0"} // they run in root file systems without libraries
	for _, program := range []struct {
		name, module, pkg string
		env, flags        []string
	}{
		{"kubeone", "kubeone", ".", []string{"GOWORK=off"}, []string{"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3"}},
		{"truecount", "../..", "./cmd/truecount", nil, nil},
		{"truecount-adapter", "../..", "./cmd/truecount-adapter", nil, nil},
		{"clicks", "../..", "./demo/clicks/cmd/clicks", nil, nil},
	} {
		args := append([]string{"build", "-trimpath", "-o", filepath.Join(dir, program.name)}, program.flags...)
		cmd := exec.Command("go", append(args, program.pkg)...)
		cmd.Dir = program.module
		cmd.Env = append(append(withoutWorkspace(), static...), program.env...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("build %s: %w", program.name, err)
		}
	}
	return dir, nil
}

// download returns the directory of a module's sources.
func download(module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w: %s", module, err, out)
	}
	var answer struct{ Dir string }
	err = json.Unmarshal(out, &answer)
	return answer.Dir, err
}

// withoutWorkspace is the environment in which the root module's own workspace is found again.
func withoutWorkspace() []string {
	var env []string
	for _, pair := range os.Environ() {
		if pair != "GOWORK=off" {
			env = append(env, pair)
		}
	}
	return env
}

// shared is the one cluster of all tests.
var shared struct {
	once    sync.Once
	cluster *cluster.Cluster
	err     error
	dir     string
}

// inside runs the tests in namespaces that are this process' own.
func inside(m *testing.M) int {
	if err := errors.Join(namespace.SetUp(), flag.Set("test.parallel", "32")); err != nil { // they wait, mostly
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	klog.LogToStderr(false)
	klog.SetOutput(os.Stderr)
	var err error
	if shared.dir, err = os.MkdirTemp("", "truecount-controlplane-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Chmod(shared.dir, 0o755); err != nil { // containers of other users pass through
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if shared.cluster != nil {
		shared.cluster.Stop()
	}
	if code != 0 || os.Getenv("KEEP") != "" {
		fmt.Fprintf(os.Stderr, "logs, certificates and data are in %s\n", shared.dir)
		return code
	}
	os.RemoveAll(shared.dir)
	return code
}

// running returns the one cluster, started by the first test that asks.
func running(t *testing.T) *cluster.Cluster {
	t.Helper()
	for _, name := range tools {
		tool.Need(t, name)
	}
	tool.Allowed(t, notPossibleOutside())
	shared.once.Do(func() { shared.cluster, shared.err = startCluster(t) })
	if shared.err != nil {
		t.Fatalf("the cluster does not start: %v (logs: %s)", shared.err, filepath.Join(shared.dir, "logs"))
	}
	if ended := shared.cluster.Ended(); ended != "" {
		t.Fatalf("%s has ended (logs: %s)", ended, filepath.Join(shared.dir, "logs"))
	}
	return shared.cluster
}

func notPossibleOutside() error {
	if namespace.Inside() {
		return nil
	}
	return notPossible()
}

func startCluster(t *testing.T) (*cluster.Cluster, error) {
	t.Helper()
	c, err := cluster.Start(context.Background(), cluster.Options{
		Kubeone:       filepath.Join(programs, "kubeone"),
		Dir:           shared.dir,
		SyncPeriod:    syncPeriod,
		Stabilization: stabilization,
		Nodes:         []string{"node-1", "node-2", "node-3"},
		Images:        images(),
	})
	runtime.GC()
	return c, err
}

// images are the programs of this tree, where their Dockerfiles put them.
func images() []kubelet.Image {
	return []kubelet.Image{
		{
			Name: "registry.example/clicks", Program: filepath.Join(programs, "clicks"), Path: "/usr/local/bin/clicks",
			Env: []string{"LISTEN_ADDRESS=0.0.0.0", "PORT=8000", "METRICS_ADDRESS=0.0.0.0", "METRICS_START_PORT=5001", "WEB_CONCURRENCY=5"},
		},
		{Name: "registry.example/truecount", Program: filepath.Join(programs, "truecount"), Path: "/usr/local/bin/truecount"},
		{Name: "registry.example/truecount-adapter", Program: filepath.Join(programs, "truecount-adapter"), Path: "/usr/local/bin/truecount-adapter"},
	}
}
