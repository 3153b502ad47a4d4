package controlplane

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"github.com/truecount/truecount/test/controlplane/namespace"
	"github.com/truecount/truecount/test/pki"
)

// masters are the headers of a request that the API server passes on for somebody who may do all.
var masters = map[string]string{"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}

const someValue = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/*/demo_app_button_clicks_per_second"

func TestK4OnlyTheFrontProxyMaySayWhoAsks(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	together(t)
	front := func(authority *pki.Authority, name string) *pki.Pair {
		pair, err := authority.Client(name)
		if err != nil {
			t.Fatal(err)
		}
		return &pair
	}
	strange, err := pki.NewAuthority("front-proxy-ca") // the same name
	if err != nil {
		t.Fatal(err)
	}
	expired, err := pki.NewAuthorityUntil("front-proxy-ca", time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		name        string
		certificate *pki.Pair
		allowed     bool
	}{
		{"the front proxy", front(c.PKI.FrontProxy, cluster.FrontProxy), true},
		{"no certificate", nil, false},
		{"another name of the same authority", front(c.PKI.FrontProxy, "somebody"), false},
		{"the right name of another authority", front(strange, cluster.FrontProxy), false},
		{"an authority that has expired", front(expired, cluster.FrontProxy), false},
		{"the right name of the cluster's own authority", front(c.PKI.Cluster, cluster.FrontProxy), false},
	} {
		t.Run(one.name, func(t *testing.T) {
			// A value, not the list of them: that is for everybody whom the cluster knows, under whatever name.
			status, said := a.direct(t, one.certificate, masters).getDecided(t, someValue)
			refused := status == http.StatusUnauthorized || status == http.StatusForbidden || status == 0 && strings.Contains(said, "tls:")
			if refused == one.allowed || one.allowed && status == 0 {
				t.Errorf("%d: %.300s", status, said)
			}
		})
	}

	t.Run("the front proxy for a nobody", func(t *testing.T) {
		status, said := a.direct(t, front(c.PKI.FrontProxy, cluster.FrontProxy), map[string]string{"X-Remote-User": "nobody"}).getDecided(t, someValue)
		if status != http.StatusForbidden {
			t.Errorf("%d: %.300s", status, said)
		}
	})

	t.Run("a new authority is taken without a restart", func(t *testing.T) {
		renewed, err := pki.NewAuthority("front-proxy-ca-2")
		if err != nil {
			t.Fatal(err)
		}
		call := a.direct(t, front(renewed, cluster.FrontProxy), masters)
		if status, said := call.get(t.Context(), "/apis/custom.metrics.k8s.io/v1beta1"); status == http.StatusOK {
			t.Fatalf("taken before it is known: %.300s", said)
		}
		before := podUIDs(t, a)
		// The API server reads its file again and publishes it to all that stand behind it.
		file := filepath.Join(c.Dir, "pki", "front-proxy-ca.crt")
		if err := os.WriteFile(file, append(append([]byte{}, c.PKI.FrontProxy.PEM...), renewed.PEM...), 0o600); err != nil {
			t.Fatal(err)
		}
		await(t, "the new authority is taken", func() bool {
			status, _ := call.get(t.Context(), "/apis/custom.metrics.k8s.io/v1beta1")
			return status == http.StatusOK
		})
		if after := podUIDs(t, a); after != before {
			t.Errorf("the adapter was restarted: %s, before %s", after, before)
		}
	})
}

// podUIDs tells whether pods are the same, and their containers.
func podUIDs(t *testing.T, a *adapter) string {
	t.Helper()
	pods, err := a.cluster.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			all = append(all, fmt.Sprintf("%s:%d", pod.UID, container.RestartCount))
		}
	}
	return strings.Join(all, " ")
}

func TestK5WithoutAnswersOnAccessNobodyHasAny(t *testing.T) {
	t.Parallel()
	c := running(t)
	p := runningPrometheus(t, c)
	together(t)
	api := standBeforeAPI(t, c)
	a := installAdapter(t, c, "k5", adapterOptions{
		config: "rules: []", prometheus: p.url,
		env: map[string]string{"KUBERNETES_SERVICE_HOST": namespace.Host.String(), "KUBERNETES_SERVICE_PORT": api.port},
	})
	pair, err := c.PKI.FrontProxy.Client(cluster.FrontProxy)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else each time: answers are remembered. Masters are allowed without a question.
	users := 0
	ask := func() (int, string) {
		users++
		name := fmt.Sprintf("system:serviceaccount:kube-system:horizontal-pod-autoscaler-%d", users)
		return a.direct(t, &pair, map[string]string{"X-Remote-User": name, "X-Remote-Group": "k5-readers"}).get(t.Context(), "/apis/custom.metrics.k8s.io/v1beta1/namespaces/k5/pods/*/x")
	}
	apply(t, c, `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: k5}
rules: [{apiGroups: [custom.metrics.k8s.io], resources: ["*"], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: k5}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: k5}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: k5-readers}]
`, "-f", "-")
	await(t, "access while it can be asked", func() bool {
		status, _ := ask()
		return status == http.StatusNotFound // there is no such metric
	})
	for name, fault := range map[string]http.HandlerFunc{"errors": wrongAnswers["503"], "no answer": wrongAnswers["slow"]} {
		t.Run(name, func(t *testing.T) {
			api.fault.Store(&fault)
			api.reviews.Store(0)
			status, said := ask()
			if status != http.StatusInternalServerError && status != http.StatusForbidden && status != http.StatusUnauthorized {
				t.Errorf("%d: %.300s", status, said)
			}
			if n := api.reviews.Load(); n < 1 || n > 10 {
				t.Errorf("it was asked %d times", n)
			}
			api.fault.Store(nil)
			await(t, "access again", func() bool {
				status, _ := ask()
				return status == http.StatusNotFound
			})
		})
	}
}

// beforeAPI stands before the API server and answers reviews of access when a test says so.
type beforeAPI struct {
	port    string
	fault   atomic.Pointer[http.HandlerFunc]
	reviews atomic.Int64
}

func standBeforeAPI(t *testing.T, c *cluster.Cluster) *beforeAPI {
	t.Helper()
	target, err := url.Parse(c.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := c.PKI.Cluster.Server(namespace.Host.String())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	b := &beforeAPI{}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.PKI.Cluster.Pool()}},
		FlushInterval: -1, // watches
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(namespace.Host.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "accessreviews") {
			b.reviews.Add(1)
			if fault := b.fault.Load(); fault != nil {
				(*fault)(w, r)
				return
			}
		}
		forward.ServeHTTP(w, r)
	})}, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	server.StartTLS()
	t.Cleanup(func() {
		listener.Close() // before the adapter comes back
		server.CloseClientConnections()
		server.Close()
	})
	_, b.port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
