package cluster

import (
	"net"
	"path/filepath"
	"strconv"

	"github.com/truecount/truecount/test/controlplane/namespace"
)

const (
	etcdURL     = "http://127.0.0.1:2379"
	etcdPeerURL = "http://127.0.0.1:2380"
	apiPort     = 6443
)

// apiAddress is where the API server is asked from this machine. Pods ask the service kubernetes.
func apiAddress() string { return net.JoinHostPort(namespace.Host.String(), strconv.Itoa(apiPort)) }

// AuditLog is the file that records who asked the metrics APIs and who changed replicas, in the order of the end of requests.
func (c *Cluster) AuditLog() string { return filepath.Join(c.Dir, "audit.log") }

// auditPolicy keeps the requests for metrics, and the autoscaler's changes with what they changed. Leaving out the rest
// keeps the file small.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    resources: [{group: custom.metrics.k8s.io}, {group: external.metrics.k8s.io}]
  - level: RequestResponse
    verbs: [update, patch]
    users: ["system:serviceaccount:kube-system:horizontal-pod-autoscaler"]
    resources:
      - {group: autoscaling, resources: [horizontalpodautoscalers/status]}
      - {group: apps, resources: [deployments/scale]}
  - level: None
`

func etcdFlags(dir string) []string {
	return []string{
		"--data-dir=" + filepath.Join(dir, "etcd"),
		"--unsafe-no-fsync", // nothing of it outlives the test
		"--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
		"--listen-peer-urls=" + etcdPeerURL, "--initial-advertise-peer-urls=" + etcdPeerURL,
		"--initial-cluster=default=" + etcdPeerURL,
	}
}

func apiServerFlags(dir string) []string {
	file := func(name string) string { return filepath.Join(dir, "pki", name) }
	return []string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=" + namespace.Host.String(), "--secure-port=" + strconv.Itoa(apiPort),
		"--advertise-address=" + namespace.Host.String(),
		"--service-cluster-ip-range=" + namespace.Services.String(),
		"--authorization-mode=Node,RBAC",
		"--allow-privileged",
		"--client-ca-file=" + file("ca.crt"),
		"--tls-cert-file=" + file("apiserver.crt"), "--tls-private-key-file=" + file("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + file("sa.key"), "--service-account-signing-key-file=" + file("sa.key"),
		// The aggregation layer: how the metrics APIs know that the API server itself asks.
		"--requestheader-client-ca-file=" + file("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + FrontProxy,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + file("front-proxy.crt"), "--proxy-client-key-file=" + file("front-proxy.key"),
		"--enable-aggregator-routing=true", // to the endpoints themselves, so that each replica is asked
		"--audit-policy-file=" + filepath.Join(dir, "audit.yaml"), "--audit-log-path=" + filepath.Join(dir, "audit.log"),
	}
}

func controllerManagerFlags(dir, kubeconfig string, opts Options) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--kube-api-qps=1000", "--kube-api-burst=2000", // with the defaults the service accounts alone take five seconds
		"--root-ca-file=" + filepath.Join(dir, "pki", "ca.crt"),
		"--service-account-private-key-file=" + filepath.Join(dir, "pki", "sa.key"),
		"--horizontal-pod-autoscaler-sync-period=" + opts.SyncPeriod.String(),
		"--horizontal-pod-autoscaler-downscale-stabilization=" + opts.Stabilization.String(),
	}
}

func schedulerFlags(kubeconfig string) []string {
	return []string{"--kubeconfig=" + kubeconfig, "--bind-address=127.0.0.1", "--leader-elect=false", "--kube-api-qps=1000", "--kube-api-burst=2000"}
}
