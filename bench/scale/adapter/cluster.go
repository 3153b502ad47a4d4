package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/truecount/truecount/bench/internal/up"
	"github.com/truecount/truecount/test/pki"
	"github.com/truecount/truecount/test/process"
)

// cluster is what of a cluster an adapter talks to: the API server, with etcd behind it. Controllers and kubelets would only
// change the pods.
type cluster struct {
	kubeconfig string // of an administrator
	client     kubernetes.Interface
	authority  *pki.Authority // of servers and users
	front      *pki.Authority // of the aggregation layer
	etcd       *process.Process
	api        *process.Process
}

const (
	// frontProxy is the name in the aggregation layer's client certificate.
	frontProxy = "front-proxy-client"
	// administrator is one by being of the group.
	administrator, administrators = "admin", "system:masters"
)

func startCluster(ctx context.Context, kubeone, dir string) (_ *cluster, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &cluster{kubeconfig: filepath.Join(dir, "kubeconfig")}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	var ports [3]int
	for i := range ports {
		if ports[i], err = up.FreePort(); err != nil {
			return nil, err
		}
	}
	if err := c.certificates(dir); err != nil {
		return nil, err
	}
	if c.etcd, err = process.Start("etcd", dir, exec.Command(kubeone, append([]string{"etcd"}, etcdFlags(dir, ports[0], ports[1])...)...)); err != nil {
		return nil, err
	}
	if c.api, err = process.Start("kube-apiserver", dir, exec.Command(kubeone, append([]string{"kube-apiserver"}, apiServerFlags(dir, ports[0], ports[2])...)...)); err != nil {
		return nil, err
	}
	return c, c.connect(ctx, ports[2])
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func etcdFlags(dir string, port, peers int) []string {
	client, peer := "http://"+loopback(port), "http://"+loopback(peers)
	return []string{
		"--data-dir=" + filepath.Join(dir, "etcd"),
		"--unsafe-no-fsync", // nothing of it outlives the run
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
	}
}

// apiServerFlags leave the limits of requests in flight and all of caching at their defaults.
func apiServerFlags(dir string, etcd, port int) []string {
	file := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"--etcd-servers=http://" + loopback(etcd),
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port),
		// Nobody comes through the Service kubernetes, whose address may not be one of loopback (192.0.2.1 is for documentation).
		"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount", // no controller makes the accounts
		"--client-ca-file=" + file("ca.crt"),
		"--tls-cert-file=" + file("apiserver.crt"), "--tls-private-key-file=" + file("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + file("sa.key"), "--service-account-signing-key-file=" + file("sa.key"),
		// What both adapters read from the API server, to know the aggregation layer by.
		"--requestheader-client-ca-file=" + file("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + frontProxy,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
	}
}

func (c *cluster) certificates(dir string) (err error) {
	if c.authority, err = pki.NewAuthority("kubernetes"); err != nil {
		return err
	}
	if c.front, err = pki.NewAuthority("front-proxy-ca"); err != nil {
		return err
	}
	server, err := c.authority.Server("kube-apiserver", "127.0.0.1")
	if err != nil {
		return err
	}
	tokens, err := pki.NewSigningKey()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"ca.crt": c.authority.PEM, "front-proxy-ca.crt": c.front.PEM, "sa.key": tokens} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return server.Write(dir, "apiserver")
}

// connect writes the kubeconfig and waits until the API server is ready. The adapters use the same file, so that they have
// the same rights, those of an administrator: what they may do is not what is measured here.
func (c *cluster) connect(ctx context.Context, port int) error {
	user, err := c.authority.Client(administrator, administrators)
	if err != nil {
		return err
	}
	config := &rest.Config{
		Host:            "https://" + loopback(port),
		QPS:             -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.PEM, CertData: user.Certificate, KeyData: user.Key},
	}
	err = clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"bench": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"bench": {Cluster: "bench", AuthInfo: "admin"}},
		CurrentContext: "bench",
	}, c.kubeconfig)
	if err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	return await(ctx, time.Minute, "kube-apiserver", func() error {
		if err := c.ended(); err != nil {
			return permanent{err}
		}
		_, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

// ended says which process has ended by itself, with the end of its log.
func (c *cluster) ended() error {
	for _, p := range []*process.Process{c.etcd, c.api} {
		if err := endedEarly(p); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) stop() {
	for _, p := range []*process.Process{c.api, c.etcd} {
		if p != nil {
			p.Kill()
		}
	}
}

// endedEarly is nil while the process runs.
func endedEarly(p *process.Process) error {
	select {
	case <-p.Done():
		content, _ := os.ReadFile(p.Log)
		return fmt.Errorf("%s has ended:\n%s", p.Name, content[max(0, len(content)-3000):])
	default:
		return nil
	}
}
