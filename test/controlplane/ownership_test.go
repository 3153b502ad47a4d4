package controlplane

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestK8AnAPIServiceOfSomebodyElseIsNotTaken(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	alone(t)
	const external = "v1beta1.external.metrics.k8s.io"
	if said, ok := a.check(t); !ok {
		t.Errorf("what is in the way before: %s", said)
	}
	keda := &adapter{cluster: c, namespace: "keda", authority: a.authority}
	theirs := strings.ReplaceAll(apiService(keda, external), "truecount-adapter", "keda-operator-metrics-apiserver")
	kubectlWith(t, c, theirs, "apply", "--server-side", "--field-manager=keda-operator", "-f", "-")
	t.Cleanup(func() {
		if out, err := c.Kubectl(context.WithoutCancel(t.Context()), "delete", "apiservice", external).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	_, problem := tryKubectl(t, c, apiService(a, external), "apply", "--server-side", "-f", "-")
	requireText(t, problem, `with "keda-operator"`, ".spec.service.namespace")
	said, ok := a.check(t, "--external-metrics")
	if ok {
		t.Errorf("nothing is in the way: %s", said)
	}
	requireText(t, said, external, "keda/keda-operator-metrics-apiserver", "KEDA")
	_, problem = tryKubectl(t, c, apiService(keda, v1beta1), "apply", "--server-side", "--field-manager=prometheus-adapter", "-f", "-")
	requireText(t, problem, `with "kubectl"`)
	if got := kubectl(t, c, "get", "apiservice", v1beta1, external, "-o", "jsonpath={.items[*].spec.service.namespace}"); got != "truecount keda" {
		t.Errorf("the APIServices lead to %s", got)
	}
}

// check asks truecount-adapter what is in the way, of the cluster and of the account that the adapter runs with.
func (a *adapter) check(t *testing.T, flags ...string) (said string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "truecount-adapter"), append([]string{
		"check", "--config=../../deploy/clicks/helm-values/prometheus-adapter.yaml", "--prometheus-url=" + runningPrometheus(t, a.cluster).url,
		"--lister-kubeconfig=" + a.cluster.Kubeconfig, "--service-account=truecount/truecount-adapter",
	}, flags...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}
