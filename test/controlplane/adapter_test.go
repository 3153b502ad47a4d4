package controlplane

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"github.com/truecount/truecount/test/pki"
)

// adapter is a Deployment of truecount-adapter in a namespace of its own.
type adapter struct {
	cluster   *cluster.Cluster
	namespace string
	authority *pki.Authority // of its certificate
	bundle    []byte         // what the API server is to trust, if not that authority
	secret    string         // with its certificate
}

// adapterOptions say how one is started.
type adapterOptions struct {
	config     string   // prometheus-adapter's configuration or the chart's values
	prometheus string   // URL
	flags      []string // more
	env        map[string]string
}

// common are the flags of the adapters that installAdapter starts. New series are found sooner than by default.
var common = []string{
	"--config=/etc/adapter/config.yaml",
	"--tls-cert-file=/etc/tls/tls.crt", "--tls-private-key-file=/etc/tls/tls.key",
	"--metrics-relist-interval=2s", "--metrics-max-age=5m",
	"--secure-port=6443",
}

// installAdapter applies one and waits until it is ready.
func installAdapter(t *testing.T, c *cluster.Cluster, namespace string, o adapterOptions) *adapter {
	t.Helper()
	authority, err := pki.NewAuthority(namespace + "-adapter")
	if err != nil {
		t.Fatal(err)
	}
	a := &adapter{cluster: c, namespace: namespace, authority: authority, secret: "truecount-adapter"}
	makeNamespace(t, c, namespace)
	a.configure(t, o.config)
	a.certify(t, authority)
	flags, err := json.Marshal(append(append([]string{"--prometheus-url=" + o.prometheus}, common...), o.flags...))
	if err != nil {
		t.Fatal(err)
	}
	variables := []corev1.EnvVar{}
	for name, value := range o.env {
		variables = append(variables, corev1.EnvVar{Name: name, Value: value})
	}
	env, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/adapter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	apply(t, c, strings.NewReplacer("NAMESPACE", namespace, "ARGUMENTS", string(flags), "ENVIRONMENT", string(env)).Replace(string(text)), "-f", "-")
	t.Cleanup(func() { // what it asks may be gone now; and nobody else's disruption should be its own
		cmd := c.Kubectl(context.WithoutCancel(t.Context()), "-n", namespace, "delete", "deployment,poddisruptionbudget", "truecount-adapter", "--wait=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	a.awaitRollout(t)
	return a
}

func (a *adapter) awaitRollout(t *testing.T) {
	t.Helper()
	kubectl(t, a.cluster, "-n", a.namespace, "rollout", "status", "deployment/truecount-adapter", "--timeout=5m")
}

func makeNamespace(t *testing.T, c *cluster.Cluster, name string) {
	t.Helper()
	_, err := c.Client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// configure makes or changes the adapter's rules.
func (a *adapter) configure(t *testing.T, config string) {
	t.Helper()
	maps := a.cluster.Client.CoreV1().ConfigMaps(a.namespace)
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "truecount-adapter"}, Data: map[string]string{"config.yaml": config}}
	_, err := maps.Create(t.Context(), object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = maps.Update(t.Context(), object, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serverName is what the API server expects in the certificate.
func (a *adapter) serverName() string { return "truecount-adapter." + a.namespace + ".svc" }

// certify gives the adapter a new certificate of an authority.
func (a *adapter) certify(t *testing.T, authority *pki.Authority) {
	t.Helper()
	a.certifyUntil(t, authority, time.Now().Add(time.Hour))
}

func (a *adapter) certifyUntil(t *testing.T, authority *pki.Authority, end time.Time) {
	t.Helper()
	pair, err := authority.ServerUntil(end, a.serverName())
	if err != nil {
		t.Fatal(err)
	}
	secrets := a.cluster.Client.CoreV1().Secrets(a.namespace)
	object := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: a.secret},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key},
	}
	_, err = secrets.Create(t.Context(), object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = secrets.Update(t.Context(), object, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
