package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"github.com/truecount/truecount/test/pki"
)

// overlay is what an operator writes beside the manifests of deploy/adapter: where Prometheus is, the tutorial's own values as
// the rules, rules of applications in ConfigMaps. New series are found sooner than by default, so that tests end, and values are too old sooner than Prometheus
// itself forgets them, so that it is the adapter that says so.
const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../kubernetes]
components: [../config-maps]
patches:
  - path: rules.yaml
  - target: {kind: Deployment, name: truecount-adapter}
    patch: |
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--prometheus-url=http://prometheus-server.default.svc:80"}
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--metrics-relist-interval=2s"}
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--metrics-max-age=5m"}
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--value-max-age=2m"}
`

// theAdapter is the one that is registered: the manifests that are shipped, in two replicas.
func theAdapter(t *testing.T, c *cluster.Cluster) *adapter {
	t.Helper()
	registered.once.Do(func() {
		runningPrometheus(t, c)
		a := &adapter{cluster: c, namespace: "truecount", secret: "truecount-adapter-serving"}
		dir := a.writeOverlay(t)
		if out, err := exec.CommandContext(t.Context(), filepath.Join(programs, "truecount-adapter"), "certificate", filepath.Join(dir, "kubernetes", "certificate")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		apply(t, c, "", "-k", filepath.Join(dir, "overlay"))
		a.awaitRollout(t)
		for _, name := range []string{v1beta1, v1beta2} {
			kubectl(t, c, "wait", "--for=condition=Available", "apiservice/"+name, "--timeout=5m")
		}
		a.readAuthority(t)
		registered.adapter = a
	})
	if registered.adapter == nil {
		t.Fatal("the adapter could not be installed: see the test that tried first")
	}
	return registered.adapter
}

var registered struct {
	once    sync.Once
	adapter *adapter
}

// writeOverlay copies the manifests, since their folder is to get a certificate, and puts the overlay beside them.
func (a *adapter) writeOverlay(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(a.cluster.Dir, "adapter")
	if err := os.CopyFS(dir, os.DirFS("../../deploy/adapter")); err != nil {
		t.Fatal(err)
	}
	values, err := os.ReadFile("../../deploy/clicks/helm-values/prometheus-adapter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: truecount-adapter, namespace: truecount}\ndata:\n  config.yaml: |\n    " +
		strings.ReplaceAll(string(values), "\n", "\n    ") + "\n"
	for name, text := range map[string]string{"kustomization.yaml": overlay, "rules.yaml": rules} {
		if err := os.MkdirAll(filepath.Join(dir, "overlay"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "overlay", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readAuthority takes what the API server has been told to trust.
func (a *adapter) readAuthority(t *testing.T) {
	t.Helper()
	text := kubectl(t, a.cluster, "get", "apiservice", v1beta1, "-o", "go-template={{.spec.caBundle | base64decode}}")
	authority, err := pki.ParseAuthority([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a.authority = authority
}
