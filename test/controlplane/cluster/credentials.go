package cluster

import (
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/truecount/truecount/test/controlplane/namespace"
	"github.com/truecount/truecount/test/pki"
)

// FrontProxy is the one name by which the API server makes itself known to the servers behind it.
const FrontProxy = "front-proxy-client"

// kubernetesService is the first address of the services, which Kubernetes gives to itself.
const kubernetesService = "10.96.0.1"

// PKI has the authorities of a cluster.
type PKI struct {
	Cluster    *pki.Authority // servers and users
	FrontProxy *pki.Authority // the API server towards the servers behind it
}

func newPKI(dir string) (*PKI, error) {
	cluster, err := pki.NewAuthority("kubernetes")
	if err != nil {
		return nil, err
	}
	front, err := pki.NewAuthority("front-proxy-ca")
	if err != nil {
		return nil, err
	}
	server, err := cluster.Server("kube-apiserver", namespace.Host.String(), kubernetesService, "127.0.0.1",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
	if err != nil {
		return nil, err
	}
	client, err := front.Client(FrontProxy)
	if err != nil {
		return nil, err
	}
	tokens, err := pki.NewSigningKey()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{"ca.crt": cluster.PEM, "front-proxy-ca.crt": front.PEM, "sa.key": tokens} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	if err := server.Write(dir, "apiserver"); err != nil {
		return nil, err
	}
	return &PKI{cluster, front}, client.Write(dir, "front-proxy")
}

// ConfigFor is a client's configuration for a user with groups. It has no limit of requests.
func (c *Cluster) ConfigFor(user string, groups ...string) (*rest.Config, error) {
	pair, err := c.PKI.Cluster.Client(user, groups...)
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host:            "https://" + apiAddress(),
		QPS:             -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.PKI.Cluster.PEM, CertData: pair.Certificate, KeyData: pair.Key},
	}, nil
}

// kubeconfig writes a file with the credentials of a user and returns its path.
func (c *Cluster) kubeconfig(name, user string, groups ...string) (string, error) {
	config, err := c.ConfigFor(user, groups...)
	if err != nil {
		return "", err
	}
	file := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": {ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "user"}},
		CurrentContext: "test",
	}
	path := filepath.Join(c.Dir, "pki", name+".kubeconfig")
	return path, clientcmd.WriteToFile(file, path)
}
